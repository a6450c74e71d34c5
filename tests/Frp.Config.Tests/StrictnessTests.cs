namespace Frp.Config.Tests;

public class StrictnessTests
{
    private static readonly LoadOptions Lenient = Loading.Verify with { Strict = false };

    [Theory]
    [InlineData("bindprt = 1", "frps.toml:1: json: unknown field \"bindprt\", did you mean \"bindPort\"?")]
    [InlineData("bind_port = 1", "frps.toml:1: json: unknown field \"bind_port\", did you mean \"bindPort\"?")]
    [InlineData("\n\ntransport.tls.forse = true", "frps.toml:3: transport.tls.forse: json: unknown field \"forse\", did you mean \"force\"?")]
    [InlineData("[[httpPlugins]]\n[[httpPlugins]]\nzzzzzzzz = 1", "frps.toml:3: httpPlugins[1].zzzzzzzz: json: unknown field \"zzzzzzzz\"")]
    [InlineData("webServer = {tls = {certFile = \"c\", keyFile = \"k\", x = 1}}", "frps.toml:1: webServer.tls.x: json: unknown field \"x\"")]
    public void Unknown_keys_of_a_server_are_told_at_any_depth(string text, string expected)
    {
        Loading.ServerError(text, expected);
        Assert.NotNull(Loading.Server(text, options: Lenient));
    }

    [Theory]
    [InlineData("[[proxies]]\nname = \"a\"\ntype = \"tcp\"\n[[proxies]]\nname = \"b\"\ntype = \"tcp\"\nremotePrt = 1",
        "frpc.toml:7: proxies[1].remotePrt: decode proxy at index 1: unmarshal ProxyConfig error: json: unknown field \"remotePrt\", did you mean \"remotePort\"?")]
    [InlineData("[[proxies]]\nname = \"a\"\ntype = \"udp\"\n[proxies.transport]\nq = 1",
        "frpc.toml:5: proxies[0].transport.q: decode proxy at index 0: unmarshal ProxyConfig error: json: unknown field \"q\"")]
    [InlineData("[[visitors]]\nname = \"a\"\ntype = \"stcp\"\nserverName = \"s\"\nbindPort = 1\nkeepTunnelOpen = true",
        "frpc.toml:6: visitors[0].keepTunnelOpen: decode visitor at index 0: unmarshal VisitorConfig error: json: unknown field \"keepTunnelOpen\"")]
    [InlineData("[[proxies]]\nname = \"a\"\ntype = \"tcp\"\n[proxies.plugin]\ntype = \"socks5\"\nuser = \"u\"",
        "frpc.toml:6: proxies[0].plugin.user: decode proxy at index 0: unmarshal ProxyConfig error: unmarshal proxy plugin error: unmarshal ClientPluginOptions error: json: unknown field \"user\"")]
    [InlineData("[[visitors]]\nname = \"a\"\ntype = \"stcp\"\nserverName = \"s\"\nbindPort = 1\nplugin = {type = \"virtual_net\", ip = \"1\"}",
        "frpc.toml:6: visitors[0].plugin.ip: decode visitor at index 0: unmarshal VisitorConfig error: unmarshal visitor plugin error: unmarshal VisitorPluginOptions error: json: unknown field \"ip\"")]
    public void Unknown_keys_of_a_client_are_told_with_the_entry(string text, string expected)
    {
        Loading.ClientError(text, expected);
        Assert.NotNull(Loading.Client(text, options: Lenient));
    }

    [Theory]
    [InlineData("[[proxies]]\nname = \"a\"\ntype = \"tpc\"", "frpc.toml:3: proxies[0].type: decode proxy at index 0: unknown proxy type: tpc, did you mean \"tcp\"?")]
    [InlineData("[[proxies]]\nname = \"a\"", "frpc.toml:1: proxies[0].type: decode proxy at index 0: unknown proxy type: ")]
    [InlineData("[[visitors]]\nname = \"a\"\ntype = \"tcp\"", "frpc.toml:3: visitors[0].type: decode visitor at index 0: unknown visitor type: tcp, did you mean \"stcp\"?")]
    [InlineData("[[visitors]]\nname = \"a\"", "frpc.toml:1: visitors[0].type: decode visitor at index 0: unknown visitor type: ")]
    [InlineData("[[proxies]]\nname = \"a\"\ntype = \"tcp\"\nplugin.localAddr = \"x\"", "frpc.toml:4: proxies[0].plugin.type: decode proxy at index 0: unmarshal ProxyConfig error: plugin type is empty")]
    [InlineData("[[proxies]]\nname = \"a\"\ntype = \"tcp\"\nplugin.type = \"nope\"", "frpc.toml:4: proxies[0].plugin.type: decode proxy at index 0: unmarshal ProxyConfig error: unknown plugin type: nope")]
    [InlineData("[[visitors]]\nname = \"a\"\ntype = \"stcp\"\nserverName = \"s\"\nbindPort = 1\nplugin = {}", "frpc.toml:6: visitors[0].plugin.type: decode visitor at index 0: unmarshal VisitorConfig error: visitor plugin type is empty")]
    [InlineData("[[visitors]]\nname = \"a\"\ntype = \"stcp\"\nserverName = \"s\"\nbindPort = 1\nplugin.type = \"socks5\"", "frpc.toml:6: visitors[0].plugin.type: decode visitor at index 0: unmarshal VisitorConfig error: unknown visitor plugin type: socks5")]
    public void Kinds_that_do_not_exist_are_told_in_every_mode(string text, string expected)
    {
        Loading.ClientError(text, expected);
        Assert.Equal([expected], Loading.ClientErrors(text, options: Lenient));
    }

    [Fact]
    public void Entries_that_are_null_lack_their_type()
    {
        Assert.Equal(
            ["f:1: proxies[0]: decode proxy at index 0: type is required", "f:2: visitors[0]: decode visitor at index 0: type is required"],
            Loading.ClientErrors("{\"proxies\":[null],\n\"visitors\":[null]}", "f"));
    }

    [Fact]
    public void Keys_match_in_any_letter_case_at_every_level_and_free_maps_keep_theirs()
    {
        var config = Loading.Client("""
            SERVERADDR = "h"
            clientid = "c"
            METADATAS.Key = "v"
            FeatureGates.VirtualNet = true
            [TRANSPORT]
            proxyurl = "p"
            [Transport.TLS]
            disablecustomtlsfirstbyte = false
            [[PROXIES]]
            NAME = "n"
            Type = "http"
            customdomains = ["d"]
            requestheaders.SET.X-A = "1"
            [PROXIES.PLUGIN]
            TYPE = "https2http"
            localaddr = "l"
            ENABLEHTTP2 = false
            [[Visitors]]
            NAME = "v"
            TYPE = "xtcp"
            SERVERNAME = "s"
            bindport = 2
            nattraversal.DisableAssistedAddrs = true
            """);
        var node = Canonical.Of(config);
        Assert.Equal(("\"h\"", "\"c\"", "{\"Key\":\"v\"}", "{\"VirtualNet\":true}"), (Canonical.At(node, "serverAddr"), Canonical.At(node, "clientID"), Canonical.At(node, "metadatas"), Canonical.At(node, "featureGates")));
        Assert.Equal(("\"p\"", "false"), (Canonical.At(node, "transport.proxyURL"), Canonical.At(node, "transport.tls.disableCustomTLSFirstByte")));
        var (proxy, visitor) = (node["proxies"]![0]!, node["visitors"]![0]!);
        Assert.Equal(("[\"d\"]", "{\"X-A\":\"1\"}", "\"l\"", "false"),
            (Canonical.At(proxy, "customDomains"), Canonical.At(proxy, "requestHeaders.set"), Canonical.At(proxy, "plugin.localAddr"), Canonical.At(proxy, "plugin.enableHTTP2")));
        Assert.Equal(("2", "true"), (Canonical.At(visitor, "bindPort"), Canonical.At(visitor, "natTraversal.disableAssistedAddrs")));
    }

    [Theory]
    [InlineData("subDomainHost")]
    [InlineData("subdomainHost")]
    [InlineData("SUBDOMAINHOST")]
    public void One_option_has_many_spellings(string key) => Assert.Equal("x", Loading.Server(key + " = \"x\"").SubDomainHost);

    [Theory]
    [InlineData("bindPort = 1\nBINDPORT = 2")]
    [InlineData("BINDPORT = 2\nbindPort = 1")]
    public void The_very_spelling_wins_over_another(string text) => Assert.Equal(1, Loading.Server(text).BindPort);

    [Fact]
    public void Helper_keys_at_the_top_are_dropped()
    {
        Assert.Equal(1, Loading.Server("\".common\" = {anything = 1}\nbindPort = 1").BindPort);
        Loading.ServerError("[transport]\n\".common\" = 1", "frps.toml:2: transport..common: json: unknown field \".common\"");
    }

    [Fact]
    public void Editors_are_told_the_schema_at_the_top_and_nowhere_else()
    {
        Assert.Equal(1, Loading.Server("{\"$schema\": \"frps.schema.json\", \"bindPort\": 1}", "frps.json").BindPort);
        Assert.Equal("h", Loading.Client("\"$schema\" = \"frpc.schema.json\"\nserverAddr = \"h\"").ServerAddr);
        Loading.ServerError("log.\"$schema\" = \"x\"", "frps.toml:1: log.$schema: json: unknown field \"$schema\"");
        Loading.ServerError("\"$SCHEMA\" = \"x\"", "frps.toml:1: json: unknown field \"$SCHEMA\"");
    }

    [Fact]
    public void Seven_mistakes_are_seven_lines()
    {
        const string Text = """
            serverPort = "7000"
            loginFailExt = true
            log.level = "loud"
            [transport]
            protocol = "udp"
            poolCount = 1.5
            [[proxies]]
            name = "web"
            type = "http"
            localPort = 99999
            """;
        Assert.Equal(
            [
                "/etc/frp/frpc:1: field \"serverPort\": cannot unmarshal string into int",
                "/etc/frp/frpc:2: json: unknown field \"loginFailExt\", did you mean \"loginFailExit\"?",
                "/etc/frp/frpc:3: log.level: invalid log level, optional values are [trace debug info warn error]",
                "/etc/frp/frpc:5: transport.protocol: invalid transport.protocol, optional values are [tcp kcp quic websocket wss]",
                "/etc/frp/frpc:6: field \"transport.poolCount\": cannot unmarshal number 1.5 into int",
                "/etc/frp/frpc:7: proxies[0].customDomains: proxy web: subdomain and custom domains should not be both empty",
                "/etc/frp/frpc:10: proxies[0].localPort: proxy web: localPort: localPort: port number 99999 must be in the range 0..65535",
            ], Loading.ClientErrors(Text, "/etc/frp/frpc"));
    }

    [Theory]
    [InlineData("frpc.yaml", """
        serverPort: "7000"
        loginFailExt: yes
        log: {level: loud}
        transport:
          protocol: udp
          poolCount: 1.5
        proxies:
        - name: web
          type: http
          localPort: 99999
        """)]
    [InlineData("frpc.json", """
        {"serverPort": "7000",
        "loginFailExt": true,
        "log": {"level": "loud"},
        "transport": {
          "protocol": "udp",
          "poolCount": 1.5},
        "proxies": [
        {"name": "web",
          "type": "http",
          "localPort": 99999}]}
        """)]
    public void Seven_mistakes_are_seven_lines_in_the_other_formats_too(string name, string text) => Assert.Equal(
        [
            $"{name}:1: field \"serverPort\": cannot unmarshal string into int",
            $"{name}:2: json: unknown field \"loginFailExt\", did you mean \"loginFailExit\"?",
            $"{name}:3: log.level: invalid log level, optional values are [trace debug info warn error]",
            $"{name}:5: transport.protocol: invalid transport.protocol, optional values are [tcp kcp quic websocket wss]",
            $"{name}:6: field \"transport.poolCount\": cannot unmarshal number 1.5 into int",
            $"{name}:8: proxies[0].customDomains: proxy web: subdomain and custom domains should not be both empty",
            $"{name}:10: proxies[0].localPort: proxy web: localPort: localPort: port number 99999 must be in the range 0..65535",
        ], Loading.ClientErrors(text, name));

    [Fact]
    public void A_value_that_could_not_be_read_is_not_judged_as_well()
    {
        const string Where = "decode proxy at index 0: unmarshal ProxyConfig error: ";
        Assert.Equal(
            [
                $"frpc.toml:2: proxies[0].name: {Where}field \"name\": cannot unmarshal number into string",
                $"frpc.toml:4: proxies[0].customDomains[0]: {Where}field \"customDomains[0]\": cannot unmarshal number into string",
            ], Loading.ClientErrors("[[proxies]]\nname = 5\ntype = \"http\"\ncustomDomains = [1]"));
    }

    [Fact]
    public void The_list_of_mistakes_is_bounded()
    {
        var errors = Loading.ServerErrors(string.Concat(Enumerable.Range(0, 2000).Select(i => $"zzzzzzzz{i} = 1\n")));
        Assert.Equal(ConfigErrors.MaxErrors + 1, errors.Length);
        Assert.Contains("frps.toml: and 1500 more errors", errors);
    }

    [Fact]
    public void A_mistake_is_one_line_whatever_its_key_holds()
    {
        Loading.ServerError("\"a\\nb\\u001b[0m\" = 1", "frps.toml:1: json: unknown field \"a\\u000ab\\u001b[0m\"");
    }
}
