using Frp.Config.Flags;

namespace Frp.Programs.Tests;

/// <summary>Commands and flags as the command line specification lists them.</summary>
public class CommandTreeTests
{
    private const string ClientRoot = "-c --config string ./frpc.ini|--config-dir string|-v --version|--strict-config true|--allow-unsafe strings";

    private const string Client =
        "-s --server-addr string 127.0.0.1|-P --server-port int 7000|-p --protocol string tcp|--log-level string info|--log-file string console|--log-max-days int 3"
        + "|--disable-log-color|--tls-server-name string|--tls-enable true|--dns-server string|-u --user string|--client-id string|-t --token string|--token-file string";

    private const string Proxy =
        "-n --proxy-name string|--metadatas stringToString []|--annotations stringToString []|-i --local-ip string 127.0.0.1|-l --local-port int|--ue|--uc"
        + "|--bandwidth-limit string|--bandwidth-limit-mode string client";

    private const string Domains = "|-d --custom-domain strings|--sd string";
    private const string Secret = "|--sk string|--sk-file string|--allow-users strings";
    private const string Visitor = "-n --visitor-name string|--ue|--uc|--sk string|--sk-file string|--server-name string|--server-user string|--bind-addr string|--bind-port int";
    private const string ApiTimeout = "--api-timeout duration 30s";

    [Theory]
    [InlineData("frps", "completion", "reload", "verify")]
    [InlineData("frpc", "completion", "http", "https", "nathole", "reload", "status", "stcp", "stop", "sudp", "tcp", "tcpmux", "udp", "verify", "xtcp")]
    [InlineData("frpc stcp", "visitor")]
    [InlineData("frpc sudp", "visitor")]
    [InlineData("frpc xtcp", "visitor")]
    [InlineData("frpc tcp")]
    [InlineData("frpc nathole", "discover")]
    [InlineData("frpc completion", "bash", "fish", "powershell", "zsh")]
    [InlineData("frps completion", "bash", "fish", "powershell", "zsh")]
    public void Sub_commands(string command, params string[] expected) => Assert.Equal(expected, Trees.Find(command).Children.Select(c => c.Name).Order(StringComparer.Ordinal));

    [Fact]
    public void A_shells_script_takes_no_arguments_and_other_commands_pass_them_over()
    {
        var fault = Assert.Throws<CommandLineException>(() => CommandLine.Parse(Trees.Of("frps"), ["completion", "bash", "extra"]));
        Assert.StartsWith("Error: unknown command \"extra\" for \"frps completion bash\"\nUsage:\n  frps completion bash [flags]\n", fault.Text, StringComparison.Ordinal);
        Assert.Equal("frps verify", CommandLine.Parse(Trees.Of("frps"), ["verify", "extra"]).Command.FullName);
        Assert.NotNull(CommandLine.Parse(Trees.Of("frps"), ["completion", "nonsense"]).Output);
    }

    [Theory]
    [InlineData("frpc", ClientRoot, "")]
    [InlineData("frpc verify", "", "")]
    [InlineData("frpc reload", "", ApiTimeout)]
    [InlineData("frpc status", "", ApiTimeout)]
    [InlineData("frpc stop", "", ApiTimeout)]
    [InlineData("frps reload", "", ApiTimeout)]
    [InlineData("frpc nathole", "--nat-hole-stun-server string|-l --nat-hole-local-addr string", "")]
    [InlineData("frpc nathole discover", "", "")]
    [InlineData("frpc tcp", Client, Proxy + "|-r --remote-port int")]
    [InlineData("frpc udp", Client, Proxy + "|-r --remote-port int")]
    [InlineData("frpc http", Client, Proxy + Domains + "|--locations strings|--http-user string|--http-pwd string|--http-pwd-file string|--host-header-rewrite string")]
    [InlineData("frpc https", Client, Proxy + Domains)]
    [InlineData("frpc tcpmux", Client, Proxy + Domains + "|--mux string|--http-user string|--http-pwd string|--http-pwd-file string")]
    [InlineData("frpc stcp", Client, Proxy + Secret)]
    [InlineData("frpc sudp", Client, Proxy + Secret)]
    [InlineData("frpc xtcp", Client, Proxy + Secret)]
    [InlineData("frpc stcp visitor", "", Visitor)]
    [InlineData("frpc sudp visitor", "", Visitor)]
    [InlineData("frpc xtcp visitor", "", Visitor)]
    public void Flags(string command, string persistent, string local)
    {
        var found = Trees.Find(command);
        Assert.Equal(Split(persistent), found.Persistent.All.Select(Trees.Shape).Order(StringComparer.Ordinal));
        Assert.Equal(Split(local), found.Local.All.Select(Trees.Shape).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("frps")]
    [InlineData("frpc")]
    public void Every_command_has_help_and_describes_its_flags(string program)
    {
        foreach (var command in Trees.All(Trees.Of(program)))
        {
            Assert.StartsWith(command.Description + "\n\nUsage:\n  " + command.FullName, command.Help(), StringComparison.Ordinal);
            Assert.All(command.AllFlags, flag => Assert.NotEmpty(flag.Usage));
        }
    }

    // What completes a command line without running the program relies on it.
    [Theory]
    [InlineData("frps")]
    [InlineData("frpc")]
    public void A_flag_that_takes_a_value_takes_one_in_every_command(string program)
    {
        var flags = Trees.All(Trees.Of(program)).SelectMany(c => c.AllFlags).ToList();
        Assert.Empty(flags.GroupBy(f => f.Name).Where(g => g.Select(f => f.Bare is null).Distinct().Count() > 1).Select(g => g.Key));
        Assert.Empty(flags.Where(f => f.Letter is not null).GroupBy(f => f.Letter).Where(g => g.Select(f => f.Bare is null).Distinct().Count() > 1).Select(g => g.Key));
    }

    [Fact]
    public void The_flags_in_a_usage_error_are_those_of_the_reference()
    {
        var root = Trees.Of("frpc");
        string[] lines = Assert.Throws<CommandLineException>(() => CommandLine.Parse(root, ["tcp", "--nope"])).Text.Split('\n');
        Assert.Equal(["Error: unknown flag: --nope", "Usage:", "  frpc tcp [flags]", "", "Flags:"], lines[..5]);
        Assert.Equal(["", ""], lines[^2..]);
        string[] own = [.. lines.Skip(5).TakeWhile(l => l.Length > 0).Where(l => !l.Contains("--token-file ", StringComparison.Ordinal))]; // ours
        string[] global = [.. lines.SkipWhile(l => l != "Global Flags:").Skip(1).TakeWhile(l => l.Length > 0)];
        Assert.Equal(Recorded("own"), own.Select(Head));
        Assert.Equal(Recorded("global"), global.Select(Head));

        static IEnumerable<string> Recorded(string part) => Trees.Recorded["tcp"]![part]!.AsArray().Select(l => (string)l!);
    }

    // The descriptions are in our words; names, types, defaults and the order are not ours to choose.
    private static string Head(string line)
    {
        int text = line.IndexOf("   ", line.IndexOf("--", StringComparison.Ordinal), StringComparison.Ordinal);
        int fallback = line.LastIndexOf(" (default ", StringComparison.Ordinal);
        return line[..text] + (fallback < 0 ? "" : line[fallback..]);
    }

    private static IEnumerable<string> Split(string flags) => flags.Split('|', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal);
}
