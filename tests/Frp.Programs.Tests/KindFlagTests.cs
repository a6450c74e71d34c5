using Frp.Config;
using Frp.Config.Flags;
using Frp.Proxies;

namespace Frp.Programs.Tests;

/// <summary>What the flags of a kind set, on the command line of the client and on that of a gateway.</summary>
public class KindFlagTests
{
    private const string Common =
        "name=n annotations=a.b/c=d metadatas=m=1,l=2 localIP=::1 localPort=22 transport.useEncryption=true transport.useCompression=true transport.bandwidthLimit=1MB transport.bandwidthLimitMode=server";

    private static readonly string[] SharedFlags =
    [
        "-n", "n", "--annotations", "a.b/c=d", "--metadatas", "m=1", "--metadatas=l=2", "-i::1", "-l=22", "--ue", "--uc", "--bandwidth_limit", "1MB", "--bandwidth-limit-mode=server",
    ];

    [Theory]
    [InlineData("tcp", "remotePort=6000", "-r", "6000")]
    [InlineData("udp", "remotePort=6000", "--remote_port=6000")]
    [InlineData("http", "customDomains=a.x,*.y subdomain=s locations=/,/a httpUser=u httpPassword=p hostHeaderRewrite=h",
        "-d", "a.x", "--custom_domain", "\"*.y\"", "--sd", "s", "--locations", "/,/a", "--http_user", "u", "--http-pwd", "p", "--host_header_rewrite=h")]
    [InlineData("https", "customDomains=a.x,b.x subdomain=s", "-d", "a.x,b.x", "--sd=s")]
    [InlineData("tcpmux", "customDomains=a.x multiplexer=httpconnect httpUser=u httpPassword=p", "-da.x", "--mux", "httpconnect", "--http_user=u", "--http_pwd=p")]
    [InlineData("stcp", "secretKey=k allowUsers=a,*", "--sk", "k", "--allow_users", "a,\"*\"")]
    [InlineData("sudp", "secretKey=k", "--sk", "k")]
    [InlineData("xtcp", "secretKey=k allowUsers=*", "--sk=k", "--allow-users", "*")]
    public void A_proxys_flags_set_its_options(string kind, string expected, params string[] flags)
    {
        var config = ProxyKinds.Find(kind)!.CreateConfig();
        var command = new Command(kind, kind) { Declare = c => ProxyKinds.Find(kind)!.DeclareFlags(c.Local, config, FlagScope.Client), Run = Nothing };
        CommandLine.Parse(command, [.. SharedFlags, .. flags]);
        Assert.Equal((kind, Options($"{Common} {expected}")), (config.Type, Options(config, Common + " " + expected)));
    }

    [Theory]
    [InlineData("stcp")]
    [InlineData("sudp")]
    [InlineData("xtcp")]
    public void A_visitors_flags_set_its_options(string kind)
    {
        const string Expected = "name=n transport.useEncryption=true transport.useCompression=true secretKey=k serverName=s serverUser=u bindAddr=::1 bindPort=-1";
        var config = ProxyKinds.Find(kind)!.CreateVisitorConfig()!;
        var command = new Command("visitor", kind) { Declare = c => CommonFlags.DeclareVisitor(c.Local, config), Run = Nothing };
        CommandLine.Parse(command, ["-n", "n", "--ue", "--uc", "--sk", "k", "--server_name", "s", "--server-user", "u", "--bind_addr", "::1", "--bind_port", "-1"]);
        Assert.Equal((kind, Options(Expected)), (config.Type, Options(config, Expected)));
    }

    [Fact]
    public void The_clients_flags_set_its_options()
    {
        const string Expected = "serverAddr=h serverPort=1 transport.protocol=wss log.level=debug log.to=f log.maxDays=7 log.disablePrintColor=true transport.tls.serverName=n"
            + " transport.tls.enable=false dnsServer=1.1.1.1 user=u clientID=c auth.token=t";
        var config = new ClientConfig();
        var command = new Command("client", "") { Declare = c => CommonFlags.DeclareClient(c.Local, config), Run = Nothing };
        CommandLine.Parse(command,
        [
            "-s", "h", "-P1", "-p", "wss", "--log_level", "debug", "--log_file", "f", "--log_max_days=7", "--disable_log_color", "--tls_server_name", "n", "--tls_enable=false",
            "--dns_server", "1.1.1.1", "-u", "u", "--client-id", "c", "-t", "t",
        ]);
        Assert.Equal(Options(Expected), Options(config, Expected));
    }

    // Source: cli specification §8.
    [Theory]
    [InlineData("tcp", "-n --proxy-name|--metadatas|--annotations|-r --remote-port|-u --user|--client-id|-t --token")]
    [InlineData("http", "-n --proxy-name|--metadatas|--annotations|-d --custom-domain|--sd|--locations|--http-user|--http-pwd|--host-header-rewrite|-u --user|--client-id|-t --token")]
    [InlineData("stcp", "-n --proxy-name|--metadatas|--annotations|--sk|--allow-users|-u --user|--client-id|-t --token")]
    public void A_gateway_has_no_flags_about_the_local_service(string kind, string expected)
    {
        var client = new ClientConfig();
        var proxy = ProxyKinds.Find(kind)!.CreateConfig();
        var command = new Command(kind, kind)
        {
            Declare = c =>
            {
                CommonFlags.DeclareIdentity(c.Local, client);
                ProxyKinds.Find(kind)!.DeclareFlags(c.Local, proxy, FlagScope.Gateway);
            },
            Run = Nothing,
        };
        Assert.Equal(expected.Split('|').Order(StringComparer.Ordinal), command.Local.All.Select(f => f.Letter is { } l ? $"-{l} --{f.Name}" : "--" + f.Name).Order(StringComparer.Ordinal));
        CommandLine.Parse(command, "--proxy_name web -t secret".Split(' '));
        Assert.Equal(("web", "secret"), (proxy.Name, client.Auth.Token));
        Assert.Equal("unknown flag: --local_port", Assert.Throws<CommandLineException>(() => CommandLine.Parse(command, ["--local_port", "22"])).Message);
    }

    [Fact]
    public void A_limit_that_cannot_be_read_is_told()
    {
        var command = Trees.Of("frpc");
        Assert.Equal("invalid argument \"5\" for \"--bandwidth-limit\" flag: unit not support",
            Assert.Throws<CommandLineException>(() => CommandLine.Parse(command, ["tcp", "--bandwidth_limit", "5"])).Message);
    }

    private static Task Nothing() => Task.CompletedTask;

    private static string Options(string expected) => string.Join('\n', expected.Split(' '));

    // The options that the expectation names, read from the model by their keys.
    private static string Options(object config, string expected) =>
        string.Join('\n', expected.Split(' ').Select(pair => pair[..pair.IndexOf('=', StringComparison.Ordinal)]).Select(key => $"{key}={Text(key.Split('.').Aggregate(config, Member))}"));

    private static object Member(object owner, string key) =>
        owner.GetType().GetProperties().Single(p => p.Name.Equals(key, StringComparison.OrdinalIgnoreCase)).GetValue(owner)!;

    private static string Text(object value) => value switch
    {
        bool on => on ? "true" : "false",
        Dictionary<string, string> pairs => string.Join(',', pairs.Select(p => $"{p.Key}={p.Value}")),
        IEnumerable<string> list => string.Join(',', list),
        _ => value.ToString()!,
    };
}
