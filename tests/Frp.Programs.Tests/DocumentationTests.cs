using System.Text.RegularExpressions;

namespace Frp.Programs.Tests;

/// <summary>docs/command-line.md against the commands themselves.</summary>
public partial class DocumentationTests
{
    private static readonly string[] Unlisted = ["help", "no-descriptions"]; // of every command, and of completion

    [Theory]
    [InlineData("frps")]
    [InlineData("frpc")]
    public void Every_command_is_there_and_none_that_is_not(string program)
    {
        var told = Names().Matches(Section(program)).Select(m => m.Groups["name"].Value).ToHashSet(StringComparer.Ordinal);
        var known = Trees.All(Trees.Of(program)).Select(c => c.FullName).Append($"{program} help").ToHashSet(StringComparer.Ordinal);
        Assert.Equal(known.Order(StringComparer.Ordinal), told.Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("frps")]
    [InlineData("frpc")]
    public void Every_flag_is_there_with_its_letter_and_default_and_none_that_is_not(string program)
    {
        var told = Rows().Matches(Section(program))
            .Select(m => $"--{m.Groups["flag"].Value} {m.Groups["letter"].Value} {m.Groups["default"].Value}").ToHashSet(StringComparer.Ordinal);
        var known = Trees.All(Trees.Of(program)).SelectMany(c => c.AllFlags).Where(f => !Unlisted.Contains(f.Name))
            .Select(f => $"--{f.Name} {f.Letter} {(f.Type == "stringToString" ? "" : f.Fallback.Trim('"'))}").ToHashSet(StringComparer.Ordinal);
        Assert.Equal(known.Order(StringComparer.Ordinal), told.Order(StringComparer.Ordinal));
    }

    private static string Section(string program)
    {
        string text = File.ReadAllText(Trees.FileOf("command-line.md"));
        string section = text[text.IndexOf($"## {program}\n", StringComparison.Ordinal)..];
        int next = section.IndexOf("\n## ", StringComparison.Ordinal);
        return next < 0 ? section : section[..next];
    }

    [GeneratedRegex(@"`(?<name>frp[sc](?: [a-z]+)*)`", RegexOptions.ExplicitCapture, 5000)]
    private static partial Regex Names();

    [GeneratedRegex(@"^\| `--(?<flag>[a-z-]+)`(, `-(?<letter>\w)`)? \|( `(?<default>[^`]*)`)? \|", RegexOptions.ExplicitCapture | RegexOptions.Multiline, 5000)]
    private static partial Regex Rows();
}
