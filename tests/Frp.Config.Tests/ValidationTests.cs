namespace Frp.Config.Tests;

/// <summary>Every text of validation, at its line.</summary>
public class ValidationTests
{
    [Theory]
    [InlineData("bindPort = 65536", "bindPort: port number 65536 must be in the range 0..65535")]
    [InlineData("kcpBindPort = -1", "kcpBindPort: port number -1 must be in the range 0..65535")]
    [InlineData("quicBindPort = 70000", "quicBindPort: port number 70000 must be in the range 0..65535")]
    [InlineData("vhostHTTPPort = 70000", "vhostHTTPPort: port number 70000 must be in the range 0..65535")]
    [InlineData("vhostHTTPSPort = 70000", "vhostHTTPSPort: port number 70000 must be in the range 0..65535")]
    [InlineData("tcpmuxHTTPConnectPort = 70000", "tcpmuxHTTPConnectPort: tcpMuxHTTPConnectPort: port number 70000 must be in the range 0..65535")]
    [InlineData("webServer.port = 70000", "webServer.port: port number 70000 must be in the range 0..65535")]
    [InlineData("webServer.tls.keyFile = \"k\"", "webServer.tls.certFile: tls.certFile must be specified when tls is enabled")]
    [InlineData("webServer.tls.certFile = \"c\"", "webServer.tls.keyFile: tls.keyFile must be specified when tls is enabled")]
    [InlineData("log.level = \"INFO\"", "log.level: invalid log level, optional values are [trace debug info warn error]")]
    [InlineData("auth.method = \"none\"", "auth.method: invalid auth method, optional values are [token oidc]")]
    [InlineData("auth = {method = \"oidc\", tlsBinding = true}", "auth.tlsBinding: auth.tlsBinding needs auth.method \"token\": a token of an identity provider is good for whoever has it")]
    [InlineData("auth.additionalScopes = [\"Heartbeats\"]", "auth.additionalScopes: invalid auth additional scopes, optional values are [HeartBeats NewWorkConns]")]
    [InlineData("auth = {token = \"t\", tokenSource = {type = \"file\", file.path = \"p\"}}", "auth.token: cannot specify both auth.token and auth.tokenSource")]
    [InlineData("auth.tokenSource = {}", "auth.tokenSource.type: invalid auth.tokenSource: unsupported value source type:  (only 'file' and 'exec' are supported)")]
    [InlineData("auth.tokenSource.type = \"url\"", "auth.tokenSource.type: invalid auth.tokenSource: unsupported value source type: url (only 'file' and 'exec' are supported)")]
    [InlineData("auth.tokenSource.type = \"file\"", "auth.tokenSource: invalid auth.tokenSource: file configuration is required when type is 'file'")]
    [InlineData("auth.tokenSource = {type = \"file\", file.path = \"\"}", "auth.tokenSource.file.path: invalid auth.tokenSource: file path cannot be empty")]
    [InlineData("httpPlugins = [{ops = [\"Login\", \"Logout\"]}]", "httpPlugins[0].ops: invalid http plugin ops, optional values are [Login NewProxy CloseProxy Ping NewWorkConn NewUserConn]")]
    public void Server(string line, string expected) => Loading.ServerError("# first line\n" + line, "frps.toml:2: " + expected);

    [Theory]
    [InlineData("transport.protocol = \"udp\"", "invalid transport.protocol, optional values are [tcp kcp quic websocket wss]", "transport.protocol")]
    [InlineData("transport.wireProtocol = \"v3\"", "invalid transport.wireProtocol, optional values are [v1 v2]", "transport.wireProtocol")]
    [InlineData("transport = {heartbeatInterval = 9, heartbeatTimeout = 8}", "invalid transport.heartbeatTimeout, heartbeat timeout should not less than heartbeat interval", "transport.heartbeatTimeout")]
    [InlineData("transport.tls.pinnedKey = \"sha256/AAAA\"", "invalid transport.tls.pinnedKey \"sha256/AAAA\": sha256/ and 44 characters of base64 are expected", "transport.tls.pinnedKey")]
    [InlineData("transport.tls.pinnedKey = \"sha256/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=;\"", "invalid transport.tls.pinnedKey \"\": sha256/ and 44 characters of base64 are expected", "transport.tls.pinnedKey")]
    [InlineData("transport.tls = {trustSystemCAs = true, trustedCaFile = \"c\"}", "transport.tls.trustSystemCAs and transport.tls.trustedCaFile exclude each other", "transport.tls.trustSystemCAs")]
    [InlineData("transport.tls = {trustOnFirstUseFile = \"f\", pinnedKey = \"sha256/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\"}", "transport.tls.trustOnFirstUseFile and transport.tls.pinnedKey exclude each other", "transport.tls.trustOnFirstUseFile")]
    [InlineData("virtualNet.address = \"100.86.0.1/24\"", "VirtualNet feature is not enabled; enable it by setting featureGates.VirtualNet to true", "virtualNet.address")]
    [InlineData("auth.oidc.tokenSource.type = \"x\"", "invalid auth.oidc.tokenSource: unsupported value source type: x (only 'file' and 'exec' are supported)", "auth.oidc.tokenSource.type")]
    [InlineData("auth.oidc = {scope = \"s\", tokenSource = {type = \"file\", file.path = \"p\"}}", "cannot specify both auth.oidc.tokenSource and any other field of auth.oidc", "auth.oidc.tokenSource")]
    [InlineData("auth = {method = \"oidc\", oidc = {clientID = \"c\", tokenEndpointURL = \"/x\"}}", "auth.oidc.tokenEndpointURL must be an absolute http or https URL", "auth.oidc")]
    [InlineData("auth = {method = \"oidc\", oidc = {clientID = \"c\", tokenEndpointURL = \"ftp://x/\"}}", "auth.oidc.tokenEndpointURL must use http or https", "auth.oidc")]
    [InlineData("auth = {method = \"oidc\", oidc = {clientID = \"c\"}}", "auth.oidc.tokenEndpointURL is required", "auth.oidc")]
    [InlineData("auth = {method = \"oidc\", oidc = {tokenEndpointURL = \"https://x\"}}", "auth.oidc.clientID is required", "auth.oidc")]
    [InlineData("auth = {method = \"oidc\", oidc = {clientID = \"c\", tokenEndpointURL = \"https://x\", additionalEndpointParams.scope = \"s\"}}", "auth.oidc.additionalEndpointParams.scope is not allowed; use auth.oidc.scope instead", "auth.oidc")]
    [InlineData("auth = {method = \"oidc\", oidc = {clientID = \"c\", tokenEndpointURL = \"https://x\", audience = \"a\", additionalEndpointParams.audience = \"s\"}}", "cannot specify both auth.oidc.audience and auth.oidc.additionalEndpointParams.audience", "auth.oidc")]
    public void Client(string line, string expected, string key)
    {
        var error = Assert.Single(Loading.ClientErrors("# first line\n" + line));
        Assert.StartsWith("frpc.toml:2: ", error, StringComparison.Ordinal);
        Assert.EndsWith(expected, error, StringComparison.Ordinal);
        Assert.Contains(key, error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("tcp", "localPort = 65536", "localPort: proxy p: localPort: localPort: port number 65536 must be in the range 0..65535")]
    [InlineData("tcp", "transport.bandwidthLimitMode = \"both\"", "transport.bandwidthLimitMode: proxy p: bandwidth limit mode should be client or server")]
    [InlineData("tcp", "transport.proxyProtocolVersion = \"v3\"", "transport.proxyProtocolVersion: proxy p: not support proxy protocol version: v3")]
    [InlineData("tcp", "healthCheck.type = \"udp\"", "healthCheck.type: proxy p: not support health check type: udp")]
    [InlineData("tcp", "healthCheck.type = \"http\"", "healthCheck.path: proxy p: health check path should not be empty")]
    [InlineData("tcpmux", "customDomains = [\"a\"]\nmultiplexer = \"x\"", "multiplexer: proxy p: not support multiplexer: x")]
    [InlineData("tcp", "plugin = {type = \"static_file\"}", "plugin.localPath: proxy p: plugin static_file: localPath is required")]
    [InlineData("tcp", "plugin = {type = \"unix_domain_socket\"}", "plugin.unixPath: proxy p: plugin unix_domain_socket: unixPath is required")]
    [InlineData("tcp", "plugin = {type = \"http2https\"}", "plugin.localAddr: proxy p: plugin http2https: localAddr is required")]
    [InlineData("tcp", "plugin = {type = \"https2http\"}", "plugin.localAddr: proxy p: plugin https2http: localAddr is required")]
    [InlineData("tcp", "plugin = {type = \"https2https\"}", "plugin.localAddr: proxy p: plugin https2https: localAddr is required")]
    [InlineData("tcp", "plugin = {type = \"tls2raw\"}", "plugin.localAddr: proxy p: plugin tls2raw: localAddr is required")]
    public void Proxy(string type, string lines, string expected)
    {
        var error = Assert.Single(Loading.ClientErrors($"[[proxies]]\nname = \"p\"\ntype = \"{type}\"\n{lines}"));
        Assert.Matches(@"^frpc\.toml:[45]: proxies\[0\]\." + System.Text.RegularExpressions.Regex.Escape(expected) + "$", error);
    }

    [Theory]
    [InlineData("http")]
    [InlineData("https")]
    public void Domains_are_demanded(string type) => Loading.ClientError(
        $"[[proxies]]\nname = \"p\"\ntype = \"{type}\"", "frpc.toml:1: proxies[0].customDomains: proxy p: subdomain and custom domains should not be both empty");

    [Theory]
    [InlineData("http_proxy")]
    [InlineData("socks5")]
    [InlineData("http2http")]
    [InlineData("virtual_net")]
    public void Some_plugins_demand_nothing_and_a_plugin_makes_the_local_port_idle(string plugin)
    {
        var config = Loading.Client($"[[proxies]]\nname = \"p\"\ntype = \"tcp\"\nlocalPort = 99999\nplugin.type = \"{plugin}\"");
        Assert.Equal(plugin, config.Proxies[0].Plugin!.Type);
    }

    [Theory]
    [InlineData("stcp", "name = \"\"\nserverName = \"s\"\nbindPort = 1", "name: visitor : name is required")]
    [InlineData("stcp", "name = \"v\"\nbindPort = 1", "serverName: visitor v: server name is required")]
    [InlineData("stcp", "name = \"v\"\nserverName = \"s\"", "bindPort: visitor v: bind port is required")]
    [InlineData("xtcp", "name = \"v\"\nserverName = \"s\"\nbindPort = -1\nprotocol = \"tcp\"", "protocol: visitor v: protocol should be kcp or quic")]
    public void Visitor(string type, string lines, string expected)
    {
        var error = Assert.Single(Loading.ClientErrors($"[[visitors]]\ntype = \"{type}\"\n{lines}"));
        Assert.EndsWith("visitors[0]." + expected, error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_program_as_the_source_of_a_secret_must_be_allowed()
    {
        const string Text = "auth.tokenSource = {type = \"exec\", exec = {command = \"x\", env = [{name = \"A\", value = \"1\"}]}}";
        Assert.Contains("unsafe feature \"TokenSourceExec\" is not enabled", Assert.Single(Loading.ServerErrors(Text)), StringComparison.Ordinal);
        var allowed = Loading.Verify with { AllowUnsafe = LoadOptions.ParseUnsafe(["Other", "TokenSourceExec"]) };
        Assert.Equal("x", Loading.Server(Text, options: allowed).Auth.TokenSource!.Exec!.Command);

        Assert.Equal(UnsafeFeatures.None, LoadOptions.ParseUnsafe(["tokensourceexec"]));
        var faults = Loading.ServerErrors("auth.tokenSource = {type = \"exec\", exec = {env = [{name = \"\"}, {name = \"A=B\"}]}}", options: allowed);
        Assert.Equal(
            [
                "frps.toml:1: auth.tokenSource.exec.command: invalid auth.tokenSource: exec command cannot be empty",
                "frps.toml:1: auth.tokenSource.exec.env[0].name: invalid auth.tokenSource: exec env name cannot be empty",
                "frps.toml:1: auth.tokenSource.exec.env[1].name: invalid auth.tokenSource: exec env name cannot contain '='",
            ], faults);
        Assert.Contains("exec configuration is required when type is 'exec'", Loading.ServerErrors("auth.tokenSource.type = \"exec\"", options: allowed)[0], StringComparison.Ordinal);
    }

    [Fact]
    public void Annotations_are_qualified_names_of_bounded_size()
    {
        const string Proxy = "[[proxies]]\nname = \"p\"\ntype = \"tcp\"\n";
        Assert.Equal("1", Loading.Client(Proxy + "annotations.\"Example.COM/A.b_c-d\" = \"1\"").Proxies[0].Annotations["Example.COM/A.b_c-d"]);
        Assert.StartsWith("frpc.toml:5: proxies[0].annotations.a b: proxy p: annotation key a b is invalid: ",
            Assert.Single(Loading.ClientErrors(Proxy + "\nannotations.\"a b\" = \"1\"")), StringComparison.Ordinal);
        Assert.EndsWith("annotations size 262145 is larger than limit 262144",
            Assert.Single(Loading.ClientErrors(Proxy + $"annotations.k = \"{new string('x', 262144)}\"")), StringComparison.Ordinal);
    }

    [Fact]
    public void Keys_of_ours_without_use_are_warned_about()
    {
        var loaded = ConfigLoader.LoadClient("transport.tls = {enable = false, trustSystemCAs = true, trustOnFirstUseFile = \"f\"}"u8, "f", Proxies.ProxyKinds.Catalog, Loading.Verify);
        Assert.Equal(new[] { "trustOnFirstUseFile", "trustSystemCAs" }.Select(k => $"transport.tls.{k} is invalid when transport.tls.enable is false"), loaded.Warnings);
        Assert.Empty(ConfigLoader.LoadClient("transport = {protocol = \"wss\", tls = {enable = false, trustSystemCAs = true}}"u8, "f", Proxies.ProxyKinds.Catalog, Loading.Verify).Warnings); // wss has TLS in any case
    }

    [Fact]
    public void Files_without_use_are_warned_about()
    {
        var loaded = ConfigLoader.LoadClient("transport.tls = {enable = false, certFile = \"c\", keyFile = \"k\", trustedCaFile = \"t\"}"u8, "f", Proxies.ProxyKinds.Catalog, Loading.Verify);
        Assert.Equal(new[] { "certFile", "keyFile", "trustedCaFile" }.Select(k => $"transport.tls.{k} is invalid when transport.tls.enable is false"), loaded.Warnings);
    }

    [Fact]
    public void Gates_are_judged_when_the_client_is_to_run()
    {
        const string Text = "featureGates = {VirtualNet = true, Nope = false}\nvirtualNet.address = \"100.86.0.1/24\"";
        Assert.True(Loading.Client(Text).VirtualNetEnabled);
        var run = Loading.Verify with { Purpose = LoadPurpose.Run };
        Assert.Equal(["frpc.toml:1: featureGates.Nope: unrecognized feature gate: Nope"], Loading.ClientErrors(Text, options: run));
        Assert.Contains("invalid virtualNet.address", Loading.ClientErrors("featureGates.VirtualNet = true\nvirtualNet.address = \"here\"")[0], StringComparison.Ordinal);
    }
}
