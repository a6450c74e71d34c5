namespace Frp.Fuzz;

/// <summary>What is fed with inputs: a parser, the refusals it documents, and what must hold for every input.</summary>
/// <remarks>
/// A run that returns is fine, whether the parser took the input or refused it in its own words. Every exception that leaves
/// <see cref="Run"/> is a find: those of the parser that it does not document, and <see cref="FindException"/> where something else
/// does not hold.
/// </remarks>
internal abstract class FuzzTarget
{
    /// <summary>As on the command line, and the name of its folders.</summary>
    public abstract string Name { get; }

    /// <summary>Source files that the target is about, for the report of covered lines: paths below <c>src</c>, or folders that end with a slash.</summary>
    public abstract IReadOnlyList<string> Sources { get; }

    /// <summary>Longest input that the engine makes, in bytes. Long enough for every length field to matter, short enough to be quick.</summary>
    public virtual int MaxLength => 4096;

    /// <summary>What one input may allocate, in bytes, on the thread that runs it: far above what any input of that length needs.</summary>
    public virtual long MaxAllocation => 16 * 1024 * 1024;

    /// <summary>Words of the format that the engine is to know.</summary>
    public virtual IReadOnlyList<string> Words => [];

    /// <summary>Feeds one input. Called by one thread at a time; whatever state it leaves behind must not matter to the next input.</summary>
    public abstract void Run(ReadOnlyMemory<byte> input);
}

/// <summary>Something does not hold that must for every input.</summary>
internal sealed class FindException(string message) : Exception(message)
{
    internal static void Unless(bool holds, string message)
    {
        if (!holds) throw new FindException(message);
    }

    /// <summary>Two ways to the same thing must lead to the same.</summary>
    internal static void UnlessEqual(string expected, string actual, string what)
    {
        if (expected != actual) throw new FindException($"{what} differs:\n  {expected}\n  {actual}");
    }
}
