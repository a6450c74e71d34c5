using System.Globalization;
using System.Text;

namespace Frp.Config.Flags;

/// <summary>A command line, or one flag of it, is wrong. The message is the fault alone, without <c>Error: </c>.</summary>
public sealed class UsageException : Exception
{
    /// <summary>A fault.</summary>
    /// <param name="message">The fault.</param>
    /// <param name="hint">What the user may have meant; <c>null</c> = no idea.</param>
    public UsageException(string message, string? hint = null) : base(message) => Hint = hint;

    /// <summary>What the user may have meant; <c>null</c> = no idea.</summary>
    public string? Hint { get; }
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
    private readonly List<string> _secrets = [];

    /// <summary>A flag with a text.</summary>
    public void Text(string name, char? letter, string fallback, string usage, Action<string> set)
    {
        ArgumentNullException.ThrowIfNull(fallback);
        ArgumentNullException.ThrowIfNull(set);
        set(fallback);
        Declare(new Flag(Dashed(name), letter, "string", fallback.Length == 0 ? "" : Quoted(fallback), usage, null, set));
    }

    /// <summary>A flag with a secret, which <see cref="DeclareFiles"/> may give a twin.</summary>
    public void Secret(string name, char? letter, string fallback, string usage, Action<string> set)
    {
        Text(name, letter, fallback, usage, set);
        _secrets.Add(Dashed(name));
    }

    /// <summary>
    /// Gives each secret declared so far a flag <c>--NAME-file</c> that takes it from a file, since arguments can be seen by everybody on the machine. For
    /// command lines of this machine only: the files are ours.
    /// </summary>
    public void DeclareFiles()
    {
        foreach (string name in _secrets)
        {
            var flag = _flags[name];
            Declare(new Flag(name + "-file", null, "string", "", $"file with: {flag.Usage}", null, path => flag.Set(FlagValue.OfFile(path))));
        }
        _secrets.Clear();
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

    /// <summary>A flag with a duration such as <c>1m30s</c>.</summary>
    public void Duration(string name, char? letter, TimeSpan fallback, string usage, Action<TimeSpan> set)
    {
        ArgumentNullException.ThrowIfNull(set);
        set(fallback);
        Declare(new Flag(Dashed(name), letter, "duration", FlagValue.DurationText(fallback), usage, null, text => set(FlagValue.Duration(text))));
    }

    /// <summary>A flag with a list: comma-separated, and repeatable.</summary>
    /// <param name="name">Long name.</param>
    /// <param name="letter">One-letter name.</param>
    /// <param name="usage">One line of help.</param>
    /// <param name="set">Gets the list, which the flag fills.</param>
    public void List(string name, char? letter, string usage, Action<List<string>> set)
    {
        ArgumentNullException.ThrowIfNull(set);
        var values = new List<string>();
        set(values);
        Declare(new Flag(Dashed(name), letter, "strings", "", usage, null, text => values.AddRange(FlagValue.List(text))));
    }

    /// <summary>A flag with pairs, <c>k1=v1,k2=v2</c>, and repeatable.</summary>
    /// <param name="name">Long name.</param>
    /// <param name="letter">One-letter name.</param>
    /// <param name="usage">One line of help.</param>
    /// <param name="set">Gets the pairs, which the flag fills.</param>
    public void Pairs(string name, char? letter, string usage, Action<Dictionary<string, string>> set)
    {
        ArgumentNullException.ThrowIfNull(set);
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        set(values);
        Declare(new Flag(Dashed(name), letter, "stringToString", "[]", usage, null, text =>
        {
            foreach (var (key, value) in FlagValue.Pairs(text))
                values[key] = value;
        }));
    }

    /// <summary>A flag whose text is read by its owner, who throws <see cref="FormatException"/>; repeating replaces.</summary>
    public void Custom(string name, char? letter, string type, string usage, Action<string> set) =>
        Declare(new Flag(Dashed(name), letter, type, "", usage, null, set));

    /// <summary>What there is, by name.</summary>
    public IEnumerable<FlagInfo> All => _flags.Values.OrderBy(f => f.Name, StringComparer.Ordinal);

    /// <summary>The flags as help shows them: by name, texts aligned.</summary>
    public string Describe()
    {
        var rows = All.Select(f => (
            Head: (f.Letter is { } letter ? $"  -{letter}, --" : "      --") + f.Name + (f.Type.Length == 0 ? "" : " " + f.Type),
            Tail: f.Usage + (f.Fallback.Length == 0 ? "" : $" (default {f.Fallback})"))).ToList();
        var width = rows.Count == 0 ? 0 : rows.Max(r => r.Head.Length);
        var text = new StringBuilder();
        foreach (var (head, tail) in rows)
            text.Append(head.PadRight(width)).Append("   ").Append(tail).Append('\n');
        return text.ToString();
    }

    /// <summary>Whether the value of a flag is the argument behind it, as far as these flags are known: an unknown flag is taken to have one.</summary>
    internal static bool TakesNext(IReadOnlyList<FlagSet> sets, string argument)
    {
        if (argument.Contains('=', StringComparison.Ordinal))
            return false;
        if (argument.StartsWith("--", StringComparison.Ordinal))
            return Find(sets, argument[2..])?.Bare is null;
        return argument.Length == 2 && Find(sets, argument[1])?.Bare is null;
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
        var flag = Find(sets, name) ?? throw Unknown(sets, name);
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
            var flag = Find(sets, letter) ?? throw new UsageException($"unknown shorthand flag: '{letter}' in -{letters[i..]}");
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

    private static Flag? Find(IReadOnlyList<FlagSet> sets, string name) =>
        sets.Select(s => s._flags.GetValueOrDefault(Dashed(name))).FirstOrDefault(f => f is not null);

    private static Flag? Find(IReadOnlyList<FlagSet> sets, char letter) =>
        sets.Select(s => s._letters.GetValueOrDefault(letter)).FirstOrDefault(f => f is not null);

    private static UsageException Unknown(IReadOnlyList<FlagSet> sets, string name) =>
        new("unknown flag: --" + name, Nearest.Of(name, sets.SelectMany(s => s._flags.Keys)) is { } near ? $"Did you mean --{near}?" : null);

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

    private sealed record Flag(string Name, char? Letter, string Type, string Fallback, string Usage, string? Bare, Action<string> Set)
        : FlagInfo(Name, Letter, Type, Fallback, Usage, Bare);
}

/// <summary>A flag as help and completion show it.</summary>
/// <param name="Name">Long name, with dashes.</param>
/// <param name="Letter">One-letter name.</param>
/// <param name="Type">What its value is; empty for a switch.</param>
/// <param name="Fallback">Its value when it is not given, as help shows it; empty = nothing worth showing.</param>
/// <param name="Usage">One line.</param>
/// <param name="Bare">Its value when it stands without <c>=</c>: only switches have one.</param>
public record FlagInfo(string Name, char? Letter, string Type, string Fallback, string Usage, string? Bare);
