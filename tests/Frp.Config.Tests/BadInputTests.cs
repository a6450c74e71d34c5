using System.Text;
using System.Text.Json.Nodes;
using Frp.Proxies;

namespace Frp.Config.Tests;

/// <summary>What is wrong, and what is said about it: one line with file, line and the words that users search for.</summary>
public sealed class BadInputTests
{
    private const string Proxy = "decode proxy at index 0: unmarshal ProxyConfig error: ";
    private const string Visitor = "decode visitor at index 0: unmarshal VisitorConfig error: ";

    // Mistakes that any format can say: the program, the configuration as JSON, and the words.
    private static readonly (bool IsServer, string Json, string Words)[] Mistakes =
    [
        (true, """{"nope": 1}""", "json: unknown field \"nope\""),
        (true, """{"bindprt": 1}""", "json: unknown field \"bindprt\", did you mean \"bindPort\"?"),
        (true, """{"transport": {"quic": {"nope": 1}}}""", "json: unknown field \"nope\""),
        (true, """{"bindPort": "7000"}""", "field \"bindPort\": cannot unmarshal string into int"),
        (true, """{"bindPort": 1.5}""", "field \"bindPort\": cannot unmarshal number 1.5 into int"),
        (true, """{"bindPort": true}""", "field \"bindPort\": cannot unmarshal bool into int"),
        (true, """{"bindPort": [1]}""", "field \"bindPort\": cannot unmarshal array into int"),
        (true, """{"bindPort": {"x": 1}}""", "field \"bindPort\": cannot unmarshal object into int"),
        (true, """{"bindPort": 3000000000}""", "field \"bindPort\": cannot unmarshal number 3000000000 into int"),
        (true, """{"bindAddr": 1}""", "field \"bindAddr\": cannot unmarshal number into string"),
        (true, """{"bindAddr": ["x"]}""", "field \"bindAddr\": cannot unmarshal array into string"),
        (true, """{"transport": 3}""", "field \"transport\": cannot unmarshal number into"),
        (true, """{"transport": {"tcpMux": "yes"}}""", "field \"transport.tcpMux\": cannot unmarshal string into bool"),
        (true, """{"allowPorts": 1}""", "field \"allowPorts\": cannot unmarshal number into []object"),
        (true, """{"allowPorts": [{"start": "1"}]}""", "field \"allowPorts[0].start\": cannot unmarshal string into int"),
        (true, """{"auth": {"additionalScopes": "HeartBeats"}}""", "field \"auth.additionalScopes\": cannot unmarshal string into []string"),
        (true, """{"bindPort": 70000}""", "bindPort: port number 70000 must be in the range 0..65535"),
        (true, """{"bindPort": -1}""", "bindPort: port number -1 must be in the range 0..65535"),
        (true, """{"kcpBindPort": 70000}""", "kcpBindPort: port number 70000"),
        (true, """{"quicBindPort": 70000}""", "quicBindPort: port number 70000"),
        (true, """{"vhostHTTPPort": 70000}""", "vhostHTTPPort: port number 70000"),
        (true, """{"vhostHTTPSPort": 70000}""", "vhostHTTPSPort: port number 70000"),
        (true, """{"tcpmuxHTTPConnectPort": 70000}""", "tcpMuxHTTPConnectPort: port number 70000"),
        (true, """{"webServer": {"port": 70000}}""", "webServer.port: port number 70000"),
        (true, """{"webServer": {"tls": {"keyFile": "k"}}}""", "tls.certFile must be specified when tls is enabled"),
        (true, """{"webServer": {"tls": {"certFile": "c"}}}""", "tls.keyFile must be specified when tls is enabled"),
        (true, """{"log": {"level": "INFO"}}""", "invalid log level, optional values are [trace debug info warn error]"),
        (true, """{"auth": {"method": "x"}}""", "invalid auth method, optional values are [token oidc]"),
        (true, """{"auth": {"additionalScopes": ["x"]}}""", "invalid auth additional scopes, optional values are [HeartBeats NewWorkConns]"),
        (true, """{"auth": {"token": "t", "tokenSource": {"type": "file", "file": {"path": "p"}}}}""", "cannot specify both auth.token and auth.tokenSource"),
        (true, """{"auth": {"tokenSource": {"type": "env"}}}""", "invalid auth.tokenSource: unsupported value source type: env (only 'file' and 'exec' are supported)"),
        (true, """{"auth": {"tokenSource": {"type": "file"}}}""", "file configuration is required when type is 'file'"),
        (true, """{"auth": {"tokenSource": {"type": "file", "file": {"path": ""}}}}""", "file path cannot be empty"),
        (true, """{"auth": {"tokenSource": {"type": "exec", "exec": {"command": "x"}}}}""", "unsafe feature \"TokenSourceExec\" is not enabled"),
        (true, """{"httpPlugins": [{"ops": ["Nope"]}]}""", "invalid http plugin ops, optional values are [Login NewProxy CloseProxy Ping NewWorkConn NewUserConn]"),
        (true, """{"httpPlugins": [{"nope": 1}]}""", "json: unknown field \"nope\""),
        (true, """{"httpPlugins": {"name": "a"}}""", "field \"httpPlugins\": cannot unmarshal object into []object"),
        (false, """{"serverPort": "x"}""", "field \"serverPort\": cannot unmarshal string into int"),
        (false, """{"loginFailExt": true}""", "json: unknown field \"loginFailExt\", did you mean \"loginFailExit\"?"),
        (false, """{"metadatas": {"a": 1}}""", "field \"metadatas.a\": cannot unmarshal number into string"),
        (false, """{"metadatas": ["a"]}""", "field \"metadatas\": cannot unmarshal array into map[string]string"),
        (false, """{"featureGates": {"VirtualNet": "yes"}}""", "field \"featureGates.VirtualNet\": cannot unmarshal string into bool"),
        (false, """{"start": "a"}""", "field \"start\": cannot unmarshal string into []string"),
        (false, """{"start": [1]}""", "field \"start[0]\": cannot unmarshal number into string"),
        (false, """{"transport": {"protocol": "udp"}}""", "invalid transport.protocol, optional values are [tcp kcp quic websocket wss]"),
        (false, """{"transport": {"wireProtocol": "v3"}}""", "invalid transport.wireProtocol, optional values are [v1 v2]"),
        (false, """{"transport": {"heartbeatInterval": 10, "heartbeatTimeout": 5}}""", "invalid transport.heartbeatTimeout, heartbeat timeout should not less than heartbeat interval"),
        (false, """{"auth": {"method": "oidc"}}""", "auth.oidc.clientID is required; auth.oidc.tokenEndpointURL is required"),
        (false, """{"auth": {"method": "oidc", "oidc": {"clientID": "c", "tokenEndpointURL": "x"}}}""", "auth.oidc.tokenEndpointURL must be an absolute http or https URL"),
        (false, """{"auth": {"method": "oidc", "oidc": {"clientID": "c", "tokenEndpointURL": "ftp://x/y"}}}""", "auth.oidc.tokenEndpointURL must use http or https"),
        (false, """{"auth": {"oidc": {"clientID": "c", "tokenSource": {"type": "file", "file": {"path": "p"}}}}}""", "cannot specify both auth.oidc.tokenSource and any other field of auth.oidc"),
        (false, """{"auth": {"oidc": {"tokenSource": {"type": "x"}}}}""", "invalid auth.oidc.tokenSource: unsupported value source type: x"),
        (false, """{"virtualNet": {"address": "10.0.0.1/24"}}""", "VirtualNet feature is not enabled"),
        (false, """{"includes": ["/nonexistent/x/*.toml"]}""", "stat /nonexistent/x: no such file or directory"),
        (false, """{"proxies": 3}""", "field \"proxies\": cannot unmarshal number into []object"),
        (false, """{"proxies": [3]}""", "decode proxy at index 0: "),
        (false, """{"proxies": [{"name": "a"}]}""", "decode proxy at index 0: unknown proxy type: "),
        (false, """{"proxies": [{"name": "a", "type": "tpc"}]}""", "decode proxy at index 0: unknown proxy type: tpc, did you mean \"tcp\"?"),
        (false, """{"proxies": [{"name": "a", "type": 3}]}""", "decode proxy at index 0: "),
        (false, """{"proxies": [{"name": "a", "type": "tcp", "nope": 1}]}""", Proxy + "json: unknown field \"nope\""),
        (false, """{"proxies": [{"name": "a", "type": "tcp", "localPort": "x"}]}""", Proxy + "field \"localPort\": cannot unmarshal string into int"),
        (false, """{"proxies": [{"name": "a", "type": "tcp", "localPort": 99999}]}""", "proxy a: localPort: localPort: port number 99999 must be in the range 0..65535"),
        (false, """{"proxies": [{"type": "tcp"}]}""", "proxy : name should not be empty"),
        (false, """{"proxies": [{"name": "a", "type": "tcp"}, {"name": "a", "type": "udp", "enabled": false}]}""", "proxy name [a] is duplicated"),
        (false, """{"proxies": [{"name": "a", "type": "tcp", "transport": {"bandwidthLimit": "1TB"}}]}""", "unit not support"),
        (false, """{"proxies": [{"name": "a", "type": "tcp", "transport": {"bandwidthLimit": "xMB"}}]}""", "strconv.ParseFloat: parsing \"x\": invalid syntax"),
        (false, """{"proxies": [{"name": "a", "type": "tcp", "transport": {"bandwidthLimitMode": "x"}}]}""", "bandwidth limit mode should be client or server"),
        (false, """{"proxies": [{"name": "a", "type": "tcp", "transport": {"proxyProtocolVersion": "v3"}}]}""", "not support proxy protocol version: v3"),
        (false, """{"proxies": [{"name": "a", "type": "tcp", "healthCheck": {"type": "x"}}]}""", "not support health check type: x"),
        (false, """{"proxies": [{"name": "a", "type": "tcp", "healthCheck": {"type": "http"}}]}""", "health check path should not be empty"),
        (false, """{"proxies": [{"name": "a", "type": "tcp", "annotations": {"-x": "1"}}]}""", "annotation key -x is invalid"),
        (false, """{"proxies": [{"name": "a", "type": "http"}]}""", "proxy a: subdomain and custom domains should not be both empty"),
        (false, """{"proxies": [{"name": "a", "type": "https"}]}""", "subdomain and custom domains should not be both empty"),
        (false, """{"proxies": [{"name": "a", "type": "tcpmux", "subdomain": "x", "multiplexer": "y"}]}""", "not support multiplexer: y"),
        (false, """{"proxies": [{"name": "a", "type": "tcp", "plugin": {"localAddr": "x"}}]}""", "plugin type is empty"),
        (false, """{"proxies": [{"name": "a", "type": "tcp", "plugin": {"type": "x"}}]}""", "unknown plugin type: x"),
        (false, """{"proxies": [{"name": "a", "type": "tcp", "plugin": {"type": "socks5", "user": "u"}}]}""", Proxy + "unmarshal proxy plugin error: unmarshal ClientPluginOptions error: json: unknown field \"user\""),
        (false, """{"proxies": [{"name": "a", "type": "tcp", "plugin": {"type": "static_file"}}]}""", "plugin static_file: localPath is required"),
        (false, """{"proxies": [{"name": "a", "type": "tcp", "plugin": {"type": "unix_domain_socket"}}]}""", "plugin unix_domain_socket: unixPath is required"),
        (false, """{"proxies": [{"name": "a", "type": "tcp", "plugin": {"type": "https2http"}}]}""", "plugin https2http: localAddr is required"),
        (false, """{"visitors": [{"name": "v"}]}""", "decode visitor at index 0: unknown visitor type: "),
        (false, """{"visitors": [{"name": "v", "type": "tcp"}]}""", "unknown visitor type: tcp"),
        (false, """{"visitors": [{"name": "v", "type": "stcp", "bindPort": 1}]}""", "visitor v: server name is required"),
        (false, """{"visitors": [{"name": "v", "type": "stcp", "serverName": "s"}]}""", "visitor v: bind port is required"),
        (false, """{"visitors": [{"type": "stcp", "serverName": "s", "bindPort": 1}]}""", "visitor : name is required"),
        (false, """{"visitors": [{"name": "v", "type": "xtcp", "serverName": "s", "bindPort": 1, "protocol": "tcp"}]}""", "protocol should be kcp or quic"),
        (false, """{"visitors": [{"name": "v", "type": "stcp", "serverName": "s", "bindPort": 1, "nope": 1}]}""", Visitor + "json: unknown field \"nope\""),
        (false, """{"visitors": [{"name": "v", "type": "stcp", "serverName": "s", "bindPort": 1, "plugin": {"type": "x"}}]}""", "unknown visitor plugin type: x"),
        (false, """{"visitors": [{"name": "v", "type": "stcp", "serverName": "s", "bindPort": 1, "plugin": {"a": 1}}]}""", "visitor plugin type is empty"),
    ];

    // Texts that are no configuration of any kind.
    public static TheoryData<string, string, string> Broken() => new()
    {
        { "f.toml", "a = = b", "toml: line 1, column 5: " },
        { "f.toml", "x = \"open", "toml: line 1, column " },
        { "f.toml", "x = 'open\n", "toml: line 1, column " },
        { "f.toml", "x = \"\"\"open", "toml: line " },
        { "f.toml", "[open", "toml: line 1, column " },
        { "f.toml", "[[open]", "toml: line 1, column " },
        { "f.toml", "bindPort = 1\nbindPort = 2", "key bindPort is already defined" },
        { "f.toml", "[a]\n[a]", "is already defined" },
        { "f.toml", "x = [1, 2", "toml: line " },
        { "f.toml", "x = {a = 1", "toml: line " },
        { "f.toml", "x = 1 y = 2", "toml: line 1, column " },
        { "f.toml", "x = 01", "toml: line 1, column " },
        { "f.toml", "x = \"\\q\"", "toml: line 1, column " },
        { "f.toml", "= 1", "toml: line 1, column 1: " },
        { "f.toml", "bindPort: 7000", "toml: line 1, column " },
        { "f.toml", "{\"bindPort\": 1}", "toml: line 1, column " },
        { "f.json", "{", "json: line 1, column " },
        { "f.json", "{\"a\"", "json: line 1, column " },
        { "f.json", "{\"a\": 1,}", "json: line 1, column " },
        { "f.json", "{a: 1}", "json: line 1, column " },
        { "f.json", "{\"a\": 'x'}", "json: line 1, column " },
        { "f.json", "{\"a\": 1}\n{", "json: line 2, column " },
        { "f.json", "{\"a\": tru}", "json: line 1, column " },
        { "f.json", "{\"a\": \"\\x\"}", "json: line 1, column " },
        { "f.json", "{\"a\": 01}", "json: line 1, column " },
        { "f.json", "{\"bindPort\": 7000.0}", "cannot unmarshal number 7000.0 into int" },
        { "f.json", "[1]", "json: " },
        { "f.yaml", "a: [", "error converting YAML to JSON: yaml: line " },
        { "f.yaml", "a: {", "error converting YAML to JSON: yaml: line " },
        { "f.yaml", "a: 1\nb: [1,\nc: 2\nd: 3\n", "error converting YAML to JSON: yaml: line 2: " },
        { "f.yaml", "a: ]", "error converting YAML to JSON: yaml: line 1: " },
        { "f.yaml", "a: b: c", "error converting YAML to JSON: yaml: line 1: while scanning a plain scalar value, found invalid mapping" },
        { "f.yaml", "a: 1\n b: 2", "error converting YAML to JSON: yaml: line 2: " },
        { "f.yaml", "a:\n\tb: 1", "error converting YAML to JSON: yaml: line 1: while scanning a mapping, found invalid tab as indentation" },
        { "f.yaml", "a: \"open", "error converting YAML to JSON: yaml: line " },
        { "f.yaml", "a: 'open", "error converting YAML to JSON: yaml: line " },
        { "f.yaml", "a: \"\\q\"", "error converting YAML to JSON: yaml: line 1: " },
        { "f.yaml", "a: @x", "error converting YAML to JSON: yaml: line 1: " },
        { "f.yaml", "x: &a 1\nz: *a *a\n", "error converting YAML to JSON: yaml: line " },
        { "f.yaml", "a: *x", "unknown anchor 'x' referenced" },
        { "f.yaml", "a: &x [*x]", "anchor 'x' value contains itself" },
        { "f.yaml", "a: {<<: 1}", "map merge requires map or sequence of maps as the value" },
        { "f.yaml", "[a]: b", "invalid map key" },
        { "f.yaml", "~: b", "Unsupported map key" },
        { "f.yaml", "a: !!int x", "cannot decode `x` as a !!int" },
        { "f.yaml", "a: !!binary '!'", "!!binary value contains invalid base64 data" },
        { "f.yaml", "- a\n- b", "json: cannot unmarshal array into object" },
        { "f.yaml", "text", "json: cannot unmarshal string into object" },
        { "f.yaml", "7", "json: cannot unmarshal number into object" },
        { "f", "bindPort = 1\nbindAddr = \"open", "toml: line 2, column " },
        { "f", "bindPort: 1\n  x: 2", "error converting YAML to JSON: yaml: line 2: " },
        { "f", "just words", "read as YAML: json: cannot unmarshal string into object" },
        { "f", "{{", "template: frp:1: unclosed action" },
        { "f", "{{ }}", "template: frp:1: missing value for command" },
        { "f", "{{ .Bad }}", "template: frp:1:3: executing \"frp\" at <.Bad>: can't evaluate field Bad in type *config.Values" },
        { "f", "{{ nope }}", "template: frp:1: function \"nope\" not defined" },
        { "f", "{{ if true }}", "template: frp:1: unexpected EOF" },
        { "f", "\n{{ end }}", "template: frp:2: unexpected {{end}}" },
        { "f", "{{ $x }}", "template: frp:1: undefined variable \"$x\"" },
        { "f", "{{ template \"x\" }}", "template: frp:1:12: executing \"frp\" at <{{template \"x\"}}>: template \"x\" not defined" },
        { "f", "{{ parseNumberRange \"x\" }}", "range number is invalid, strconv.ParseInt: parsing \"x\": invalid syntax" },
        { "f", "{{ parseNumberRange \"2-1\" }}", "range number is invalid" },
        { "f", "{{ parseNumberRangePair \"1-2\" \"3\" }}", "first and second range numbers are not in pairs" },
        { "f", "{{ \"open }}", "template: frp:1: unterminated quoted string" },
        { "f", "{{/* open", "template: frp:1: unclosed comment" },
        { "f", "{{ index .Envs 1 }}", "error calling index: value has type int; should be string" },
        { "f", "{{ eq 1 \"1\" }}", "error calling eq: incompatible types for comparison: int and string" },
        { "f", "{{ len 1 }}", "error calling len: len of type int" },
        { "f", "{{ printf 1 }}", "expected string; found 1" },
        { "f", "{{ break }}", "template: frp:1: {{break}} outside {{range}}" },
        { "f", "[common]\nx = `open", "read as TOML: toml: line " },
        { "f", "[common]\n{{ if }}", "template: frp:" },
        { "f", "[common]\nbind_port = 70000", "bindPort: port number 70000 must be in the range 0..65535" },
        { "f", "[common]\nlog_level = loud", "invalid log level, optional values are [trace debug info warn error]" },
        { "f", "[common]\nauthentication_method = x", "invalid auth method, optional values are [token oidc]" },
        { "f", "[common]\ndashboard_port = -1", "webServer.port: port number -1" },
        { "f", "[common]\ndashboard_tls_mode = true\ndashboard_tls_key_file = k", "tls.certFile must be specified when tls is enabled" },
        { "f", "[common]\n[plugin.x]\nops = Nope", "invalid http plugin ops" },
    };

    public static TheoryData<int, string> InEveryFormat()
    {
        var rows = new TheoryData<int, string>();
        for (var i = 0; i < Mistakes.Length; i++)
            foreach (var format in (string[])["toml", "yaml", "json"])
                rows.Add(i, format);
        return rows;
    }

    [Fact]
    public void The_table_is_long() => Assert.True(InEveryFormat().Count + Broken().Count >= 300);

    [Theory]
    [MemberData(nameof(InEveryFormat))]
    public void A_mistake_is_told_in_every_format(int number, string format)
    {
        var (isServer, json, words) = Mistakes[number];
        var node = JsonNode.Parse(json)!;
        var text = format switch
        {
            "toml" => new TomlWriter(number).Write(node),
            "yaml" => new YamlWriter(number).Write(node),
            _ => json,
        };
        Told(isServer, "/etc/frp/f." + format, text, words);
    }

    [Theory]
    [MemberData(nameof(Broken))]
    public void What_cannot_be_read_is_told(string name, string text, string words) => Told(isServer: true, name, text, words);

    // Purpose "run" is judged in other words where names are concerned, so it is the verification that is looked at.
    private static void Told(bool isServer, string name, string text, string words)
    {
        var content = Encoding.UTF8.GetBytes(text);
        var e = Assert.Throws<ConfigException>(() =>
        {
            if (isServer) ConfigLoader.LoadServer(content, name, Loading.Verify);
            else ConfigLoader.LoadClient(content, name, ProxyKinds.Catalog, Loading.Verify);
        });
        var line = Assert.Single(e.Message.Split('\n'));
        Assert.Matches($"^{name}:[1-9][0-9]*: ", line);
        Assert.Contains(words, line, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", line, StringComparison.Ordinal);
        Assert.DoesNotContain("Exception", line, StringComparison.Ordinal);
    }
}
