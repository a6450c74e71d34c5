using Frp.Config;
using Frp.Config.Flags;

namespace Frp.Hosting;

/// <summary>What both programs do around their work: read the command line, and turn errors into texts and exit codes.</summary>
/// <remarks>Source: cli specification §1, §9.</remarks>
public static class ConsoleProgram
{
    /// <summary>What open connections get to finish when the program is asked to stop.</summary>
    public static readonly TimeSpan DrainTime = TimeSpan.FromSeconds(10);

    /// <summary>Runs the command that the arguments name.</summary>
    /// <param name="root">The program's commands. Expected failures of theirs are <see cref="ConfigException"/> and <see cref="IOException"/>.</param>
    /// <param name="args">Its arguments.</param>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(Command root, string[] args)
    {
        try
        {
            var invocation = CommandLine.Parse(root, args);
            if (invocation.Output is { } text) (invocation.IsComplaint ? Console.Error : Console.Out).Write(text);
            else await invocation.Command.Run!();
            return 0;
        }
        catch (CommandLineException e)
        {
            Console.Error.Write(e.Text);
        }
        catch (Exception e) when (IsExpected(e))
        {
            Console.WriteLine(e.Message);
        }
        catch (OperationCanceledException)
        {
            return 0; // asked to stop before there was anything to stop
        }
        return 1;
    }

    /// <summary>Whether a failure is the user's to mend, and its message all there is to say.</summary>
    public static bool IsExpected(Exception e) => e is ConfigException or IOException or UnauthorizedAccessException;

    /// <summary>Shows what the user should know about a configuration that may be used.</summary>
    public static void ShowWarnings(IEnumerable<string> warnings)
    {
        ArgumentNullException.ThrowIfNull(warnings);
        foreach (string warning in warnings) Console.WriteLine($"WARNING: {warning}");
    }
}
