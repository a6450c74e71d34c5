namespace Frp.ConfigDocs.Tests;

/// <summary>What an editor marks: the right key, and only that.</summary>
public class SchemaTests
{
    private const string Web = "[[proxies]]\nname = \"web\"\ntype = \"http\"\nsubdomain = \"web\"\n";
    private const string Tcp = "[[proxies]]\nname = \"a\"\ntype = \"tcp\"\n";
    private const string Door = "[[visitors]]\nname = \"v\"\ntype = \"xtcp\"\nserverName = \"s\"\nbindPort = 1\n";

    [Theory]
    [InlineData("frps", "bindprt = 7000", "bindprt")]
    [InlineData("frps", "bindPort = \"7000\"", "bindPort")]
    [InlineData("frps", "bindPort = 65536", "bindPort")]
    [InlineData("frps", "kcpBindPort = -1", "kcpBindPort")]
    [InlineData("frps", "transport.tls.forse = true", "transport.tls.forse")]
    [InlineData("frps", "log.level = \"loud\"", "log.level")]
    [InlineData("frps", "auth.method = \"password\"", "auth.method")]
    [InlineData("frps", "auth.additionalScopes = [\"HeartBeats\", \"Pings\"]", "auth.additionalScopes[1]")]
    [InlineData("frps", "auth.token = \"t\"\nauth.tokenSource = { type = \"file\", file.path = \"p\" }", "auth.token")]
    [InlineData("frps", "auth.tokenSource.type = \"file\"", "auth.tokenSource")]
    [InlineData("frps", "auth.tokenSource = { type = \"exec\", exec.command = \"\" }", "auth.tokenSource.exec.command")]
    [InlineData("frps", "auth.tokenSource = { type = \"vault\" }", "auth.tokenSource.type")]
    [InlineData("frps", "webServer.tls.certFile = \"c\"", "webServer.tls")]
    [InlineData("frps", "allowPorts = [6000]", "allowPorts[0]")]
    [InlineData("frps", "allowPorts = [{ start = 1, end = 70000 }]", "allowPorts[0].end")]
    [InlineData("frps", "[[httpPlugins]]\nops = [\"Login\", \"Logout\"]", "httpPlugins[0].ops[1]")]
    [InlineData("frps", "serverPort = 7000", "serverPort")]
    [InlineData("frpc", "transport.protocol = \"udp\"", "transport.protocol")]
    [InlineData("frpc", "featureGates.Teleport = true", "featureGates.Teleport")]
    [InlineData("frpc", "metadatas.x = 1", "metadatas.x")]
    [InlineData("frpc", "[auth.oidc]\nclientID = \"c\"\ntokenSource = { type = \"file\", file.path = \"p\" }", "auth.oidc.clientID")]
    [InlineData("frpc", "[[proxies]]\nname = \"a\"\ntype = \"tpc\"", "proxies[0].type")]
    [InlineData("frpc", "[[proxies]]\nname = \"a\"", "proxies[0]")]
    [InlineData("frpc", "[[proxies]]\ntype = \"tcp\"", "proxies[0]")]
    [InlineData("frpc", Tcp + "customDomains = [\"a\"]", "proxies[0].customDomains")]
    [InlineData("frpc", Tcp + "remotePort = 99999", "proxies[0].remotePort")]
    [InlineData("frpc", Tcp + "transport.bandwidthLimit = \"1GB\"", "proxies[0].transport.bandwidthLimit")]
    [InlineData("frpc", Tcp + "transport.proxyProtocolVersion = \"v3\"", "proxies[0].transport.proxyProtocolVersion")]
    [InlineData("frpc", Tcp + "healthCheck.type = \"http\"", "proxies[0].healthCheck")]
    [InlineData("frpc", Tcp + "plugin.type = \"socks4\"", "proxies[0].plugin.type")]
    [InlineData("frpc", Tcp + "plugin.type = \"static_file\"", "proxies[0].plugin")]
    [InlineData("frpc", Tcp + "plugin = { type = \"socks5\", user = \"u\" }", "proxies[0].plugin.user")]
    [InlineData("frpc", "[[proxies]]\nname = \"a\"\ntype = \"https\"", "proxies[0]")]
    [InlineData("frpc", Web + "locations = \"/\"", "proxies[0].locations")]
    [InlineData("frpc", Web + "requestHeaders.set = { a = true }", "proxies[0].requestHeaders.set.a")]
    [InlineData("frpc", "[[visitors]]\nname = \"v\"\ntype = \"tcp\"", "visitors[0].type")]
    [InlineData("frpc", "[[visitors]]\nname = \"v\"\ntype = \"stcp\"\nserverName = \"s\"", "visitors[0]")]
    [InlineData("frpc", "[[visitors]]\nname = \"v\"\ntype = \"stcp\"\nserverName = \"s\"\nbindPort = 0", "visitors[0].bindPort")]
    [InlineData("frpc", Door + "protocol = \"tcp\"", "visitors[0].protocol")]
    [InlineData("frpc", Door + "plugin.type = \"socks5\"", "visitors[0].plugin.type")]
    public void A_mistake_is_marked_at_its_key(string program, string text, string key)
    {
        var document = Docs.ToJson(text, "test.toml")!;
        Assert.Equal([key], Validator.Of[program].Faults(document).Select(f => f.Key).Distinct(StringComparer.Ordinal));
        Assert.NotEmpty(Docs.Mistakes(program, document) is { Count: > 0 } mistakes ? mistakes.Select(e => e.Message) : Late(key));
    }

    [Theory]
    [InlineData("frps", "{\"$schema\": \"frps.schema.json\", \".anchor\": {\"x\": [1]}, \"version\": \"1\"}")]
    [InlineData("frpc", "{\"$schema\": \"frpc.schema.json\", \".anchor\": 1, \"proxies\": [], \"featureGates\": {\"VirtualNet\": false}}")]
    [InlineData("frpc", "{\"log\": {\"level\": \"\"}, \"auth\": {\"token\": \"\", \"tokenSource\": {\"type\": \"file\", \"file\": {\"path\": \"p\"}}}}")]
    public void What_is_right_is_not_marked(string program, string text)
    {
        Assert.Empty(Validator.Of[program].Faults(Docs.ToJson(text, "test.json")));
        Docs.Load(program, text, "test.json");
    }

    // Two kinds of numbers load, and fail when they are used.
    private static string[] Late(string key) => key.EndsWith("remotePort", StringComparison.Ordinal) || key.EndsWith("end", StringComparison.Ordinal) ? ["late"]
        : key == "featureGates.Teleport" ? ["only when the client is to run"] : [];
}
