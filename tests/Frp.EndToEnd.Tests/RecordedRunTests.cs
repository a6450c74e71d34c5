using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Frp.TestKit;

namespace Frp.EndToEnd.Tests;

/// <summary>Command lines whose exit codes and words on both streams were recorded from the reference (Data/cli.json).</summary>
public sealed partial class RecordedRunTests : TunnelTest
{
    public static TheoryData<string> All() => [.. Runs().Select(CommandLineOf)];

    [Theory]
    [MemberData(nameof(All))]
    public async Task Code_and_words_are_the_recorded_ones(string commandLine)
    {
        var recorded = Runs().Single(r => CommandLineOf(r) == commandLine);
        string expected = (string)recorded["stdout"]!, expectedErrors = (string)recorded["stderr"]!;
        if ((string?)recorded["config"] is { } config)
        {
            // A port on which nobody listens now.
            int port = Ports.Next();
            expected = expected.Replace("54569", port.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal);
            File.WriteAllText(Path.Combine(Work.Folder, "c.toml"), config.Replace("54569", port.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal));
        }
        var run = Work.Run((string)recorded["program"]!, recorded["args"]!.AsArray().Select(a => ((string)a!).Replace("<DIR>", Work.Folder, StringComparison.Ordinal)));
        Assert.Equal((int)recorded["exit"]!, await run.WaitForExitAsync());
        if (expectedErrors.Length > 0)
        {
            // A usage error: its first line, then how the command is used.
            Assert.StartsWith(expectedErrors, run.Errors.ToString(), StringComparison.Ordinal);
            Assert.Equal(run.Errors.ToString(), run.Output.ToString());
            Assert.Equal(!expectedErrors.Contains("unknown command", StringComparison.Ordinal), run.Errors.ToString().Contains("\nUsage:\n", StringComparison.Ordinal));
            return;
        }
        Assert.Empty(run.Errors.ToString());
        string output = LogLines().Replace(run.Output.ToString(), "");
        if (expected.StartsWith("login to the server failed: ", StringComparison.Ordinal)) Assert.Matches(FailedLogin(), output);
        else if (expected == "0.70.1\n") Assert.Matches(@"^\d+\.\d+\.\d+\n$", output);
        else if ((int)recorded["exit"]! == 0) Assert.Equal(expected, output);
        else Assert.Empty(expected.Split('\n').Except(output.Split('\n'))); // the reference stops at its first finding
    }

    private static string CommandLineOf(JsonNode run) => string.Join(' ', run["args"]!.AsArray().Select(a => (string)a!).Prepend((string)run["program"]!));

    private static IEnumerable<JsonNode> Runs() => JsonNode.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Data", "cli.json")))!["runs"]!.AsArray().Select(r => r!);

    // The recording is without the log's lines, which carry their time.
    [GeneratedRegex(@"\e\[1;\d\dm\d{4}-[^\n]*\n\e\[0m", RegexOptions.None, 5000)]
    private static partial Regex LogLines();

    // The cause is told in our platform's words.
    [GeneratedRegex(@"^login to the server failed: [^\n]*refused[^\n]*\. With loginFailExit enabled, no additional retries will be attempted\n$", RegexOptions.IgnoreCase, 5000)]
    private static partial Regex FailedLogin();
}
