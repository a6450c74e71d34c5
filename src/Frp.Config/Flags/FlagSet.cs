using System.Globalization;
using System.Text;

namespace Frp.Config.Flags;

/// <summary>A command line, or one flag of it, is wrong. The message is the fault alone, without <c>Error: </c>.</summary>
public sealed class UsageException : Exception
{
    /// <summary>A fault.</summary>
    public UsageException(string message) : base(message) { }
}

/// <summary>
/// The flags of a command, each with what it sets. Follows pflag: long names in which <c>_</c> and <c>-</c> are the same,
/// one-letter names that can be run together, switches that take a value only behind <c>=</c>.
/// </summary>
/// <remarks>
/// A flag's fallback is set when the flag is declared, so that a set that parses nothing still leaves the defaults behind.
/// <code>
/// --name value   --name=value   -n value   -nvalue   -n=value   --switch   --switch=false   -abn value
/// </code>
/// </remarks>
public sealed class FlagSet
{
    private readonly Dictionary<string, Flag> _flags = new(StringComparer.Ordinal);
    private readonly Dictionary<char, Flag> _letters = [];

    /// <summary>A flag with a text.</summary>
    public void Text(string name, char? letter, string fallback, string usage, Action<string> set)
    {
        ArgumentNullException.ThrowIfNull(fallback);
        ArgumentNullException.ThrowIfNull(set);
        set(fallback);
        Declare(new Flag(Dashed(name), letter, "string", fallback.Length == 0 ? "" : Quoted(fallback), usage, null, set));
    }

    /// <summary>A flag with a whole number, decimal or with <c>0x</c>, <c>0o</c>, <c>0b</c>.</summary>
    public void Number(string name, char? letter, int fallback, string usage, Action<int> set)
    {
        ArgumentNullException.ThrowIfNull(set);
        set(fallback);
        Declare(new Flag(Dashed(name), letter, "int", fallback == 0 ? "" : fallback.ToString(CultureInfo.InvariantCulture), usage, null, text => set(FlagValue.Number(text))));
    }

    /// <summary>A switch.</summary>
    public void Switch(string name, char? letter, bool fallback, string usage, Action<bool> set)
    {
        ArgumentNullException.ThrowIfNull(set);
        set(fallback);
        Declare(new Flag(Dashed(name), letter, "", fallback ? "true" : "", usage, "true", text => set(FlagValue.Boolean(text))));
    }

    /// <summary>A flag with a list: comma-separated, and repeatable.</summary>
    public void List(string name, char? letter, string usage, Action<IReadOnlyList<string>> set)
    {
        ArgumentNullException.ThrowIfNull(set);
        var values = new List<string>();
        set(values);
        Declare(new Flag(Dashed(name), letter, "strings", "", usage, null, text => values.AddRange(FlagValue.List(text))));
    }

    /// <summary>A flag whose text is read by its owner, who throws <see cref="FormatException"/>; repeating replaces.</summary>
    public void Custom(string name, char? letter, string type, string usage, Action<string> set) =>
        Declare(new Flag(Dashed(name), letter, type, "", usage, null, set));

    /// <summary>The flags as help shows them: by name, texts aligned.</summary>
    public string Describe()
    {
        var rows = _flags.Values.OrderBy(f => f.Name, StringComparer.Ordinal).Select(f => (
            Head: (f.Letter is { } letter ? $"  -{letter}, --" : "      --") + f.Name + (f.Type.Length == 0 ? "" : " " + f.Type),
            Tail: f.Usage + (f.Fallback.Length == 0 ? "" : $" (default {f.Fallback})"))).ToList();
        var width = rows.Count == 0 ? 0 : rows.Max(r => r.Head.Length);
        var text = new StringBuilder();
        foreach (var (head, tail) in rows)
            text.Append(head.PadRight(width)).Append("   ").Append(tail).Append('\n');
        return text.ToString();
    }

    /// <summary>Takes the flag at a place of the arguments, with its value.</summary>
    /// <param name="sets">Where flags are looked up, in this order.</param>
    /// <param name="args">The arguments.</param>
    /// <param name="index">Where the flag is; afterwards behind it and its value.</param>
    /// <exception cref="UsageException">The flag is unknown, lacks its value or has a bad one.</exception>
    internal static void Take(IReadOnlyList<FlagSet> sets, IReadOnlyList<string> args, ref int index)
    {
        var argument = args[index++];
        if (argument.StartsWith("--", StringComparison.Ordinal))
            TakeLong(sets, args, argument, ref index);
        else
            TakeLetters(sets, args, argument[1..], ref index);
    }

    private static void TakeLong(IReadOnlyList<FlagSet> sets, IReadOnlyList<string> args, string argument, ref int index)
    {
        var (name, value) = (argument[2..], default(string));
        if (name.Length == 0 || name[0] is '-' or '=')
            throw new UsageException("bad flag syntax: " + argument);
        var equals = name.IndexOf('=', StringComparison.Ordinal);
        if (equals >= 0)
            (name, value) = (name[..equals], name[(equals + 1)..]);
        var flag = sets.Select(s => s._flags.GetValueOrDefault(Dashed(name))).FirstOrDefault(f => f is not null)
            ?? throw new UsageException("unknown flag: --" + name);
        value ??= flag.Bare;
        if (value is null)
            value = index < args.Count ? args[index++] : throw new UsageException("flag needs an argument: --" + name);
        Set(flag, value);
    }

    private static void TakeLetters(IReadOnlyList<FlagSet> sets, IReadOnlyList<string> args, string letters, ref int index)
    {
        for (var i = 0; i < letters.Length; i++)
        {
            var letter = letters[i];
            var flag = sets.Select(s => s._letters.GetValueOrDefault(letter)).FirstOrDefault(f => f is not null)
                ?? throw new UsageException($"unknown shorthand flag: '{letter}' in -{letters[i..]}");
            var rest = letters[(i + 1)..];
            if (rest.Length > 1 && rest[0] == '=')
                Set(flag, rest[1..]);
            else if (flag.Bare is { } bare)
            {
                Set(flag, bare);
                continue;
            }
            else if (rest.Length > 0)
                Set(flag, rest);
            else if (index < args.Count)
                Set(flag, args[index++]);
            else
                throw new UsageException($"flag needs an argument: '{letter}' in -{letters[i..]}");
            return;
        }
    }

    private static void Set(Flag flag, string value)
    {
        try
        {
            flag.Set(value);
        }
        catch (FormatException e)
        {
            var name = flag.Letter is { } letter ? $"-{letter}, --{flag.Name}" : "--" + flag.Name;
            throw new UsageException($"invalid argument {Quoted(value)} for \"{name}\" flag: {e.Message}");
        }
    }

    private void Declare(Flag flag)
    {
        _flags.Add(flag.Name, flag);
        if (flag.Letter is { } letter)
            _letters.Add(letter, flag);
    }

    internal void Include(FlagSet other)
    {
        foreach (var flag in other._flags.Values)
            Declare(flag);
    }

    private static string Dashed(string name) => name.Replace('_', '-');

    private static string Quoted(string text) => "\"" + text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal) + "\"";

    // Bare is the value without "=": only switches have one.
    private sealed record Flag(string Name, char? Letter, string Type, string Fallback, string Usage, string? Bare, Action<string> Set);
}
