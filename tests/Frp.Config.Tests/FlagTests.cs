using System.Text.Json.Nodes;
using Frp.Config.Flags;

namespace Frp.Config.Tests;

public class FlagTests
{
    private static (Command Root, ServerFlags Flags) Server()
    {
        var flags = new ServerFlags();
        var root = new Command("frps", "server") { Declare = flags.Declare, Run = Nothing };
        root.Add(new Command("verify", "Check a file") { Run = Nothing });
        return (root, flags);
    }

    private static Task Nothing() => Task.CompletedTask;

    private static ServerConfig Config(params string[] args)
    {
        var (root, flags) = Server();
        Assert.Same(root, CommandLine.Parse(root, args).Command);
        return flags.Load(LoadPurpose.Run).Config;
    }

    private static string Fault(params string[] args) => Assert.Throws<CommandLineException>(() => CommandLine.Parse(Server().Root, args)).Message;

    [Fact]
    public void Secrets_may_come_from_files()
    {
        string file = Path.GetTempFileName();
        try
        {
            File.WriteAllText(file, "\n  a secret \r\n");
            var config = Config("--token-file", file, $"--dashboard_pwd_file={file}");
            Assert.Equal(("a secret", "a secret"), (config.Auth.Token, config.WebServer.Password));
            Assert.Equal("b", Config("--token-file", file, "-t", "b").Auth.Token); // the last one counts
            File.WriteAllText(file, new string('x', (1 << 20) + 1));
            Assert.Equal($"invalid argument \"{file}\" for \"--token-file\" flag: {file}: larger than 1048576 bytes", Fault("--token-file", file));
        }
        finally
        {
            File.Delete(file);
        }
        Assert.Equal("invalid argument \"/no/where\" for \"--token-file\" flag: open /no/where: no such file or directory", Fault("--token-file=/no/where"));
        Assert.Equal("", Config().Auth.Token);
    }

    [Theory]
    [InlineData("bindAddr", "\"a\"", "--bind_addr", "a")]
    [InlineData("bindAddr", "\"a\"", "--bind-addr=a")]
    [InlineData("bindAddr", "\"a=b\"", "--bind_addr=a=b")]
    [InlineData("bindAddr", "\"0.0.0.0\"", "--bind-addr=")]
    [InlineData("bindPort", "1", "-p", "1")]
    [InlineData("bindPort", "1", "-p1")]
    [InlineData("bindPort", "1", "-p=1")]
    [InlineData("bindPort", "31", "--bind-port", "0x1f")]
    [InlineData("bindPort", "31", "--bind-port", "0x_1_f")]
    [InlineData("bindPort", "8", "--bind-port", "0_10")]
    [InlineData("bindPort", "1000", "--bind-port", "1_000")]
    [InlineData("bindPort", "2", "-p1", "-p", "2")]
    [InlineData("bindPort", "1", "-p1", "--", "verify")]
    [InlineData("bindPort", "1", "-", "-p1")]
    [InlineData("kcpBindPort", "1", "--kcp_bind-port", "1")]
    [InlineData("quicBindPort", "1", "--quic_bind_port", "1")]
    [InlineData("proxyBindAddr", "\"a\"", "--proxy_bind_addr", "a")]
    [InlineData("proxyBindAddr", "\"0.0.0.0\"", "--bind_addr", "a")]
    [InlineData("vhostHTTPPort", "1", "--vhost_http_port", "1")]
    [InlineData("vhostHTTPSPort", "1", "--vhost_https_port", "1")]
    [InlineData("vhostHTTPTimeout", "1", "--vhost_http_timeout", "1")]
    [InlineData("webServer.addr", "\"a\"", "--dashboard_addr", "a")]
    [InlineData("webServer.addr", "\"0.0.0.0\"")]
    [InlineData("webServer.port", "1", "--dashboard_port", "1")]
    [InlineData("webServer.user", "\"admin\"")]
    [InlineData("webServer.user", "\"u\"", "--dashboard_user", "u")]
    [InlineData("webServer.password", "\"admin\"")]
    [InlineData("webServer.password", "\"-p\"", "--dashboard_pwd", "-p")]
    [InlineData("webServer.tls", null, "--dashboard_tls_cert_file", "c", "--dashboard_tls_key_file", "k")]
    [InlineData("webServer.tls.keyFile", "\"k\"", "--dashboard_tls_cert_file", "c", "--dashboard_tls_key_file", "k", "--dashboard_tls_mode", "true")]
    [InlineData("enablePrometheus", "true", "--enable_prometheus")]
    [InlineData("enablePrometheus", "false", "--enable_prometheus=false")]
    [InlineData("log.to", "\"f\"", "--log_file", "f")]
    [InlineData("log.level", "\"warn\"", "--log_level", "warn")]
    [InlineData("log.maxDays", "-1", "--log_max_days", "-1")]
    [InlineData("log.disablePrintColor", "true", "--disable_log_color")]
    [InlineData("auth.token", "\"@x\"", "-t", "@x")]
    [InlineData("subDomainHost", "\"s\"", "--subdomain_host", "s")]
    [InlineData("allowPorts", "[{\"start\":1,\"end\":2,\"single\":0},{\"start\":0,\"end\":0,\"single\":4}]", "--allow_ports", "9", "--allow_ports", "1-2,4")]
    [InlineData("maxPortsPerClient", "1", "--max_ports_per_client", "1")]
    [InlineData("transport.tls.force", "true", "--tls_only")]
    [InlineData("transport.heartbeatTimeout", "-1")]
    public void Flags_of_the_server_set_its_options(string key, string? expected, params string[] args) =>
        Assert.Equal(expected, Canonical.At(Canonical.Of(Config(args)), key));

    [Theory]
    [InlineData("unknown flag: --nope", "--nope")]
    [InlineData("unknown flag: --nope", "--nope=1")]
    [InlineData("unknown shorthand flag: 'x' in -x", "-x")]
    [InlineData("unknown shorthand flag: 'x' in -xp", "-vxp")]
    [InlineData("flag needs an argument: --bind-port", "--bind-port")]
    [InlineData("flag needs an argument: --bind_port", "--bind_port")]
    [InlineData("flag needs an argument: 'p' in -p", "-p")]
    [InlineData("flag needs an argument: --dashboard_tls_mode", "--dashboard_tls_mode")]
    [InlineData("invalid argument \"x\" for \"-p, --bind-port\" flag: strconv.ParseInt: parsing \"x\": invalid syntax", "-p", "x")]
    [InlineData("invalid argument \"\" for \"-p, --bind-port\" flag: strconv.ParseInt: parsing \"\": invalid syntax", "--bind_port=")]
    [InlineData("invalid argument \"99999999999\" for \"--log-max-days\" flag: strconv.ParseInt: parsing \"99999999999\": value out of range", "--log_max_days", "99999999999")]
    [InlineData("invalid argument \"maybe\" for \"--tls-only\" flag: strconv.ParseBool: parsing \"maybe\": invalid syntax", "--tls_only=maybe")]
    [InlineData("invalid argument \"5-x\" for \"--allow-ports\" flag: range number is invalid, strconv.ParseInt: parsing \"x\": invalid syntax", "--allow_ports", "5-x")]
    [InlineData("invalid argument \"a\\\"b\" for \"--allow-unsafe\" flag: parse error on line 1, column 2: bare \" in non-quoted-field", "--allow-unsafe", "a\"b")]
    [InlineData("invalid argument \"\\\"a\" for \"--allow-unsafe\" flag: parse error on line 1, column 3: extraneous or missing \" in quoted-field", "--allow-unsafe", "\"a")]
    [InlineData("invalid argument \"\\\"é\\\"b\" for \"--allow-unsafe\" flag: parse error on line 1, column 4: extraneous or missing \" in quoted-field", "--allow-unsafe", "\"é\"b")]
    [InlineData("invalid argument \"_1\" for \"-p, --bind-port\" flag: strconv.ParseInt: parsing \"_1\": invalid syntax", "-p", "_1")]
    [InlineData("invalid argument \"1_\" for \"-p, --bind-port\" flag: strconv.ParseInt: parsing \"1_\": invalid syntax", "-p", "1_")]
    [InlineData("invalid argument \"1__0\" for \"-p, --bind-port\" flag: strconv.ParseInt: parsing \"1__0\": invalid syntax", "-p", "1__0")]
    [InlineData("bad flag syntax: --=x", "--=x")]
    [InlineData("bad flag syntax: ---x", "---x")]
    [InlineData("unknown command \"bogus\" for \"frps\"", "bogus")]
    [InlineData("unknown command \"true\" for \"frps\"", "--tls_only", "true")]
    public void Mistakes_are_told_as_users_know_them(string expected, params string[] args) => Assert.Equal(expected, Fault(args));

    [Theory]
    [InlineData("verify", "-c", "f")]
    [InlineData("-c", "f", "verify")]
    [InlineData("--config=f", "verify", "--strict_config=false")]
    [InlineData("--strict-config", "verify", "-cf", "extra")]
    public void Persistent_flags_stand_before_or_behind_a_sub_command(params string[] args)
    {
        var (root, flags) = Server();
        Assert.Equal("verify", CommandLine.Parse(root, args).Command.Name);
        Assert.Equal(("f", !args.Contains("--strict_config=false")), (flags.ConfigFile, flags.Options(LoadPurpose.Verify).Strict));
    }

    [Fact]
    public void Switches_run_together_and_lists_add_up()
    {
        var (root, flags) = Server();
        CommandLine.Parse(root, ["-vcf", "--allow-unsafe", "a,\"b,c\"", "--allow_unsafe=TokenSourceExec"]);
        Assert.True(flags.WantsVersion);
        Assert.Equal(("f", UnsafeFeatures.TokenSourceExec), (flags.ConfigFile, flags.Options(LoadPurpose.Run).AllowUnsafe));
        var values = new List<string>();
        var command = new Command("c", "") { Run = Nothing };
        command.Local.List("domain", 'd', "", v => values = v);
        CommandLine.Parse(command, ["-d", "a,b", "-d", "\"*\",\"x\"\"y\",", "--domain="]);
        Assert.Equal(["a", "b", "*", "x\"y", ""], values);
    }

    [Theory]
    [InlineData("-h")]
    [InlineData("--help")]
    [InlineData("help")]
    [InlineData("--bind_port", "1", "--help")]
    public void Help_is_text_to_print(params string[] args)
    {
        var text = CommandLine.Parse(Server().Root, args).Output!;
        Assert.StartsWith("server\n\nUsage:\n  frps [flags]\n  frps [command]\n\nAvailable Commands:\n  help        Help about any command\n  verify      Check a file\n\nFlags:\n", text, StringComparison.Ordinal);
        Assert.Contains("\n  -p, --bind-port int                    bind port (default 7000)\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Help_of_a_sub_command_tells_the_programs_flags_apart()
    {
        var (root, _) = Server();
        var text = CommandLine.Parse(root, ["help", "verify"]).Output!;
        Assert.Equal(text, CommandLine.Parse(root, ["verify", "-h"]).Output);
        Assert.Contains("Usage:\n  frps verify [flags]\n\nFlags:\n  -h, --help   help for verify\n\nGlobal Flags:\n", text, StringComparison.Ordinal);
        Assert.Equal(text, CommandLine.Parse(root, ["help", "verify", "x"]).Output);
        var unknown = CommandLine.Parse(root, ["help", "x", "y"]);
        Assert.StartsWith("Unknown help topic [`x` `y`]\nUsage:\n", unknown.Output, StringComparison.Ordinal);
        Assert.True(unknown.IsComplaint);
    }

    [Fact]
    public void The_flags_in_a_usage_error_are_those_of_the_reference()
    {
        string[] ours = ["--dashboard-pwd-file ", "--token-file "];
        var lines = Assert.Throws<CommandLineException>(() => CommandLine.Parse(Server().Root, ["--nope"])).Text.Split('\n');
        Assert.Equal(["Error: unknown flag: --nope", "Usage:", "  frps [flags]", "  frps [command]", ""], lines[..5]);
        Assert.Equal(["", "Use \"frps [command] --help\" for more information about a command.", "", ""], lines[^4..]);
        var recorded = JsonNode.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Data", "usage.json")))!["flags"]!.AsArray().Select(l => (string)l!);
        Assert.Equal(recorded, lines.SkipWhile(l => l != "Flags:").Skip(1).TakeWhile(l => l.Length > 0).Where(l => !ours.Any(flag => l.Contains(flag, StringComparison.Ordinal))));
    }

    [Fact]
    public void An_unknown_command_is_answered_with_a_hint() =>
        Assert.Equal("Error: unknown command \"bogus\" for \"frps\"\nRun 'frps --help' for usage.\n", Assert.Throws<CommandLineException>(() => CommandLine.Parse(Server().Root, ["bogus"])).Text);

    [Fact]
    public void A_file_makes_the_other_flags_idle()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.At("f"), "kcpBindPort = 5\nnope = 1");
        var config = Config("-c", folder.At("f"), "-p", "99999", "--strict_config=false");
        Assert.Equal((7000, 5, "127.0.0.1"), (config.BindPort, config.KcpBindPort, config.WebServer.Addr));
    }

    [Fact]
    public void Flags_are_validated_as_a_file_is()
    {
        var (root, flags) = Server();
        CommandLine.Parse(root, ["-p", "70000", "--log_level", "x"]);
        Assert.Equal(
            "invalid log level, optional values are [trace debug info warn error]\nbindPort: port number 70000 must be in the range 0..65535",
            Assert.Throws<ConfigException>(() => flags.Load(LoadPurpose.Run)).Message);
    }

    [Fact]
    public void The_client_has_its_own()
    {
        var flags = new ClientFlags();
        var root = new Command("frpc", "client") { Declare = flags.Declare, Run = Nothing };
        CommandLine.Parse(root, []);
        Assert.Equal(("./frpc.ini", "", false), (flags.ConfigFile, flags.ConfigDirectory, flags.WantsVersion));
        CommandLine.Parse(root, ["--config-dir", "d"]);
        Assert.Equal("d", flags.ConfigDirectory);
    }
}
