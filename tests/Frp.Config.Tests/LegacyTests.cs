using System.Text;
using System.Text.Json.Nodes;
using Frp.Config.Legacy;
using Frp.Proxies;

namespace Frp.Config.Tests;

/// <summary>The old INI form: every key, and how its values are read.</summary>
public class LegacyTests
{
    // Key and value as written, where it is now, and what stands there.
    public static TheoryData<string, string, string, string> ServerKeys() => new()
    {
        { "bind_addr", "::", "bindAddr", "\"::\"" },
        { "bind_port", "7001", "bindPort", "7001" },
        { "kcp_bind_port", "7002", "kcpBindPort", "7002" },
        { "quic_bind_port", "7003", "quicBindPort", "7003" },
        { "proxy_bind_addr", "127.0.0.2", "proxyBindAddr", "\"127.0.0.2\"" },
        { "quic_keepalive_period", "11", "transport.quic.keepalivePeriod", "11" },
        { "quic_max_idle_timeout", "31", "transport.quic.maxIdleTimeout", "31" },
        { "quic_max_incoming_streams", "99", "transport.quic.maxIncomingStreams", "99" },
        { "vhost_http_port", "80", "vhostHTTPPort", "80" },
        { "vhost_https_port", "443", "vhostHTTPSPort", "443" },
        { "vhost_http_timeout", "61", "vhostHTTPTimeout", "61" },
        { "tcpmux_httpconnect_port", "1337", "tcpmuxHTTPConnectPort", "1337" },
        { "tcpmux_passthrough", "true", "tcpmuxPassthrough", "true" },
        { "dashboard_addr", "127.0.0.1", "webServer.addr", "\"127.0.0.1\"" },
        { "dashboard_port", "7500", "webServer.port", "7500" },
        { "dashboard_user", "u", "webServer.user", "\"u\"" },
        { "dashboard_pwd", "p", "webServer.password", "\"p\"" },
        { "assets_dir", "./a", "webServer.assetsDir", "\"./a\"" },
        { "pprof_enable", "true", "webServer.pprofEnable", "true" },
        { "dashboard_tls_mode", "true\ndashboard_tls_cert_file = c\ndashboard_tls_key_file = k", "webServer.tls", "{\"certFile\":\"c\",\"keyFile\":\"k\",\"trustedCaFile\":\"\",\"serverName\":\"\"}" },
        { "dashboard_tls_mode", "false\ndashboard_tls_cert_file = c\ndashboard_tls_key_file = k", "webServer.tls", "" },
        { "enable_prometheus", "true", "enablePrometheus", "true" },
        { "log_file", "/x/y.log", "log.to", "\"/x/y.log\"" },
        { "log_level", "trace", "log.level", "\"trace\"" },
        { "log_max_days", "7", "log.maxDays", "7" },
        { "disable_log_color", "true", "log.disablePrintColor", "true" },
        { "detailed_errors_to_client", "false", "detailedErrorsToClient", "false" },
        { "subdomain_host", "frp.test", "subDomainHost", "\"frp.test\"" },
        { "custom_404_page", "/404", "custom404Page", "\"/404\"" },
        { "tcp_mux", "false", "transport.tcpMux", "false" },
        { "tcp_mux_keepalive_interval", "33", "transport.tcpMuxKeepaliveInterval", "33" },
        { "tcp_keepalive", "-1", "transport.tcpKeepalive", "-1" },
        { "max_pool_count", "6", "transport.maxPoolCount", "6" },
        { "heartbeat_timeout", "91", "transport.heartbeatTimeout", "91" },
        { "max_ports_per_client", "3", "maxPortsPerClient", "3" },
        { "user_conn_timeout", "12", "userConnTimeout", "12" },
        { "udp_packet_size", "1400", "udpPacketSize", "1400" },
        { "nat_hole_analysis_data_reserve_hours", "24", "natholeAnalysisDataReserveHours", "24" },
        { "allow_ports", "1000-2000, 3000", "allowPorts", "[{\"start\":1000,\"end\":2000,\"single\":0},{\"start\":0,\"end\":0,\"single\":3000}]" },
        { "allow_ports", "x", "allowPorts", "[]" },
        { "tls_only", "true", "transport.tls.force", "true" },
        { "tls_cert_file", "c", "transport.tls.certFile", "\"c\"" },
        { "tls_key_file", "k", "transport.tls.keyFile", "\"k\"" },
        { "tls_trusted_ca_file", "t", "transport.tls.trustedCaFile", "\"t\"" },
        { "authentication_method", "oidc", "auth.method", "\"oidc\"" },
        { "authenticate_heartbeats", "true", "auth.additionalScopes", "[\"HeartBeats\"]" },
        { "authenticate_new_work_conns", "true\nauthenticate_heartbeats = 1", "auth.additionalScopes", "[\"HeartBeats\",\"NewWorkConns\"]" },
        { "token", "secret", "auth.token", "\"secret\"" },
        { "oidc_issuer", "http://i", "auth.oidc.issuer", "\"http://i\"" },
        { "oidc_audience", "a", "auth.oidc.audience", "\"a\"" },
        { "oidc_skip_expiry_check", "true", "auth.oidc.skipExpiryCheck", "true" },
        { "oidc_skip_issuer_check", "true", "auth.oidc.skipIssuerCheck", "true" },
    };

    public static TheoryData<string, string, string, string> ClientKeys() => new()
    {
        { "server_addr", "::1", "serverAddr", "\"::1\"" },
        { "server_port", "7001", "serverPort", "7001" },
        { "nat_hole_stun_server", "s:1", "natHoleStunServer", "\"s:1\"" },
        { "dial_server_timeout", "11", "transport.dialServerTimeout", "11" },
        { "dial_server_keepalive", "-1", "transport.dialServerKeepalive", "-1" },
        { "connect_server_local_ip", "127.0.0.1", "transport.connectServerLocalIP", "\"127.0.0.1\"" },
        { "http_proxy", "http://p", "transport.proxyURL", "\"http://p\"" },
        { "log_file", "f", "log.to", "\"f\"" },
        { "log_way", "file", "log.to", "\"console\"" },
        { "log_level", "warn", "log.level", "\"warn\"" },
        { "log_max_days", "-1", "log.maxDays", "-1" },
        { "disable_log_color", "yes", "log.disablePrintColor", "true" },
        { "admin_addr", "0.0.0.0", "webServer.addr", "\"0.0.0.0\"" },
        { "admin_port", "7400", "webServer.port", "7400" },
        { "admin_user", "u", "webServer.user", "\"u\"" },
        { "admin_pwd", "p", "webServer.password", "\"p\"" },
        { "assets_dir", "a", "webServer.assetsDir", "\"a\"" },
        { "pprof_enable", "true", "webServer.pprofEnable", "true" },
        { "pool_count", "5", "transport.poolCount", "5" },
        { "tcp_mux", "false", "transport.tcpMux", "false" },
        { "tcp_mux_keepalive_interval", "33", "transport.tcpMuxKeepaliveInterval", "33" },
        { "authentication_method", "token", "auth.method", "\"token\"" },
        { "token", "t", "auth.token", "\"t\"" },
        { "authenticate_heartbeats", "true", "auth.additionalScopes", "[\"HeartBeats\"]" },
        { "authenticate_new_work_conns", "true", "auth.additionalScopes", "[\"NewWorkConns\"]" },
        { "oidc_client_id", "i", "auth.oidc.clientID", "\"i\"" },
        { "oidc_client_secret", "s", "auth.oidc.clientSecret", "\"s\"" },
        { "oidc_audience", "a", "auth.oidc.audience", "\"a\"" },
        { "oidc_scope", "s", "auth.oidc.scope", "\"s\"" },
        { "oidc_token_endpoint_url", "http://t", "auth.oidc.tokenEndpointURL", "\"http://t\"" },
        { "oidc_additional_x.y", "z", "auth.oidc.additionalEndpointParams", "{\"x.y\":\"z\"}" },
        { "user", "me", "user", "\"me\"" },
        { "dns_server", "8.8.8.8", "dnsServer", "\"8.8.8.8\"" },
        { "login_fail_exit", "false", "loginFailExit", "false" },
        { "start", "a, b", "start", "[\"a\",\"b\"]" },
        { "protocol", "kcp", "transport.protocol", "\"kcp\"" },
        { "quic_keepalive_period", "11", "transport.quic.keepalivePeriod", "11" },
        { "quic_max_idle_timeout", "31", "transport.quic.maxIdleTimeout", "31" },
        { "quic_max_incoming_streams", "99", "transport.quic.maxIncomingStreams", "99" },
        { "tls_enable", "false", "transport.tls.enable", "false" },
        { "tls_cert_file", "c", "transport.tls.certFile", "\"c\"" },
        { "tls_key_file", "k", "transport.tls.keyFile", "\"k\"" },
        { "tls_trusted_ca_file", "t", "transport.tls.trustedCaFile", "\"t\"" },
        { "tls_server_name", "n", "transport.tls.serverName", "\"n\"" },
        { "disable_custom_tls_first_byte", "false", "transport.tls.disableCustomTLSFirstByte", "false" },
        { "heartbeat_interval", "15", "transport.heartbeatInterval", "15" },
        { "heartbeat_timeout", "45", "transport.heartbeatTimeout", "45" },
        { "meta_Key.x", "v", "metadatas", "{\"Key.x\":\"v\"}" },
        { "udp_packet_size", "1400", "udpPacketSize", "1400" },
        { "includes", "", "includes", "[]" },
    };

    public static TheoryData<string, string, string, string, string> ProxyKeys() => new()
    {
        { "tcp", "local_ip", "10.0.0.1", "localIP", "\"10.0.0.1\"" },
        { "tcp", "local_port", "22", "localPort", "22" },
        { "tcp", "remote_port", "6000", "remotePort", "6000" },
        { "udp", "remote_port", "6000", "remotePort", "6000" },
        { "tcp", "use_encryption", "true", "transport.useEncryption", "true" },
        { "tcp", "use_compression", "true", "transport.useCompression", "true" },
        { "tcp", "bandwidth_limit", "1MB", "transport.bandwidthLimit", "\"1MB\"" },
        { "tcp", "bandwidth_limit_mode", "server", "transport.bandwidthLimitMode", "\"server\"" },
        { "tcp", "proxy_protocol_version", "v2", "transport.proxyProtocolVersion", "\"v2\"" },
        { "tcp", "group", "g", "loadBalancer.group", "\"g\"" },
        { "tcp", "group_key", "k", "loadBalancer.groupKey", "\"k\"" },
        { "tcp", "health_check_type", "tcp", "healthCheck.type", "\"tcp\"" },
        { "tcp", "health_check_timeout_s", "4", "healthCheck.timeoutSeconds", "4" },
        { "tcp", "health_check_max_failed", "2", "healthCheck.maxFailed", "2" },
        { "tcp", "health_check_interval_s", "9", "healthCheck.intervalSeconds", "9" },
        { "tcp", "health_check_url", "/h", "healthCheck.path", "\"/h\"" },
        { "tcp", "meta_a", "b", "metadatas", "{\"a\":\"b\"}" },
        { "http", "custom_domains", "a.x, b.x", "customDomains", "[\"a.x\",\"b.x\"]" },
        { "http", "subdomain", "s", "subdomain", "\"s\"" },
        { "http", "locations", "/a,/b", "locations", "[\"/a\",\"/b\"]" },
        { "http", "http_user", "u", "httpUser", "\"u\"" },
        { "http", "http_pwd", "p", "httpPassword", "\"p\"" },
        { "http", "host_header_rewrite", "h", "hostHeaderRewrite", "\"h\"" },
        { "http", "header_X-A", "1", "requestHeaders.set", "{\"X-A\":\"1\"}" },
        { "http", "route_by_http_user", "r", "routeByHTTPUser", "\"r\"" },
        { "tcpmux", "multiplexer", "httpconnect", "multiplexer", "\"httpconnect\"" },
        { "stcp", "sk", "k", "secretKey", "\"k\"" },
        { "stcp", "allow_users", "a,*", "allowUsers", "[\"a\",\"*\"]" },
        { "sudp", "sk", "k", "secretKey", "\"k\"" },
        { "xtcp", "allow_users", "*", "allowUsers", "[\"*\"]" },
        { "tcp", "plugin", "http_proxy\nplugin_http_user = u\nplugin_http_passwd = p", "plugin", "{\"httpUser\":\"u\",\"httpPassword\":\"p\",\"type\":\"http_proxy\"}" },
        { "tcp", "plugin", "socks5\nplugin_user = u\nplugin_passwd = p", "plugin", "{\"username\":\"u\",\"password\":\"p\",\"type\":\"socks5\"}" },
        { "tcp", "plugin", "static_file\nplugin_local_path = /l\nplugin_strip_prefix = s\nplugin_http_user = u\nplugin_http_passwd = p", "plugin", "{\"localPath\":\"/l\",\"stripPrefix\":\"s\",\"httpUser\":\"u\",\"httpPassword\":\"p\",\"type\":\"static_file\"}" },
        { "tcp", "plugin", "unix_domain_socket\nplugin_unix_path = /u", "plugin.unixPath", "\"/u\"" },
        { "tcp", "plugin", "http2https\nplugin_local_addr = a:1\nplugin_host_header_rewrite = h\nplugin_header_X = y", "plugin.requestHeaders.set", "{\"X\":\"y\"}" },
        { "tcp", "plugin", "https2http\nplugin_local_addr = a:1\nplugin_crt_path = c\nplugin_key_path = k", "plugin.crtPath", "\"c\"" },
        { "tcp", "plugin", "https2https\nplugin_local_addr = a:1\nplugin_crt_path = c\nplugin_key_path = k", "plugin.keyPath", "\"k\"" },
    };

    public static TheoryData<string, string, string, string, string> VisitorKeys() => new()
    {
        { "stcp", "use_encryption", "true", "transport.useEncryption", "true" },
        { "stcp", "use_compression", "true", "transport.useCompression", "true" },
        { "stcp", "server_user", "u", "serverUser", "\"u\"" },
        { "stcp", "server_name", "n", "serverName", "\"n\"" },
        { "sudp", "sk", "k", "secretKey", "\"k\"" },
        { "stcp", "bind_addr", "127.0.0.2", "bindAddr", "\"127.0.0.2\"" },
        { "stcp", "bind_port", "-1", "bindPort", "-1" },
        { "xtcp", "protocol", "kcp", "protocol", "\"kcp\"" },
        { "xtcp", "keep_tunnel_open", "true", "keepTunnelOpen", "true" },
        { "xtcp", "max_retries_an_hour", "9", "maxRetriesAnHour", "9" },
        { "xtcp", "min_retry_interval", "91", "minRetryInterval", "91" },
        { "xtcp", "fallback_to", "f", "fallbackTo", "\"f\"" },
        { "xtcp", "fallback_timeout_ms", "500", "fallbackTimeoutMs", "500" },
    };

    [Theory]
    [MemberData(nameof(ServerKeys))]
    public void A_key_of_a_server_is_an_option(string key, string value, string option, string expected) =>
        Assert.Equal(expected, Canonical.At(Canonical.Of(Loading.Server($"[common]\n{key} = {value}\n", "frps.ini")), option) ?? "");

    [Theory]
    [MemberData(nameof(ClientKeys))]
    public void A_key_of_a_client_is_an_option(string key, string value, string option, string expected) =>
        Assert.Equal(expected, Canonical.At(Canonical.Of(Loading.Client($"[common]\n{key} = {value}\n", "frpc.ini")), option));

    [Theory]
    [MemberData(nameof(ProxyKeys))]
    public void A_key_of_a_proxy_is_an_option(string type, string key, string value, string option, string expected)
    {
        var needed = (type is "http" or "tcpmux" && key is not ("custom_domains" or "subdomain") ? "subdomain = x\n" : "") + (type == "tcpmux" && key != "multiplexer" ? "multiplexer = httpconnect\n" : "");
        var config = Loading.Client($"[common]\n[p]\ntype = {type}\n{needed}{key} = {value}\n", "frpc.ini");
        Assert.Equal(("p", type), (config.Proxies.Single().Name, config.Proxies.Single().Type));
        Same(expected, Canonical.At(Canonical.Of(config)["proxies"]![0]!, option));
    }

    [Theory]
    [MemberData(nameof(VisitorKeys))]
    public void A_key_of_a_visitor_is_an_option(string type, string key, string value, string option, string expected)
    {
        var needed = (key == "server_name" ? "" : "server_name = s\n") + (key == "bind_port" ? "" : "bind_port = 1\n");
        var config = Loading.Client($"[common]\n[v]\nrole = visitor\ntype = {type}\n{needed}{key} = {value}\n", "frpc.ini");
        Same(expected, Canonical.At(Canonical.Of(config)["visitors"]![0]!, option));
    }

    [Fact]
    public void Every_key_of_the_tables_is_tested()
    {
        static void Covered(IEnumerable<LegacyKey> keys, IEnumerable<ITheoryDataRow> rows, int column)
        {
            var tested = rows.SelectMany(r => (r.GetData()[column] + "\n" + r.GetData()[column + 1]).Split('\n')).Select(l => l.Split('=')[0].Trim()).ToList();
            Assert.All(keys, k => Assert.Contains(tested, t => t.StartsWith(k.Key, StringComparison.Ordinal)));
        }

        Covered([.. LegacyKeys.Server, .. LegacyKeys.ServerDashboardTls], ServerKeys(), 0);
        Covered(LegacyKeys.Client, ClientKeys(), 0);
        Covered([.. LegacyKeys.Proxy.Where(k => k.Key != "type"), .. LegacyKeys.ProxyPlugin], ProxyKeys(), 1);
        Covered(LegacyKeys.Visitor.Where(k => k.Key != "type"), VisitorKeys(), 1);
    }

    [Fact]
    public void Http_plugins_are_sections_of_a_server()
    {
        var plugins = Loading.Server("[common]\n[plugin.a]\naddr = 127.0.0.1:9\npath = /h\nops = Login, NewProxy\n[plugin.b.c]\naddr = https://x\ntlsVerify = true\nops = Ping\n", "f").HttpPlugins;
        Assert.Equal(["a|127.0.0.1:9|/h|Login+NewProxy|False", "b.c|https://x||Ping|True"], plugins.Select(p => $"{p.Name}|{p.Addr}|{p.Path}|{string.Join('+', p.Ops)}|{p.TlsVerify}"));
    }

    [Fact]
    public void Defaults_are_those_of_the_old_form()
    {
        var server = Loading.Server("[common]", "f");
        Assert.Equal(("0.0.0.0", true, "console"), (server.WebServer.Addr, server.Transport.TcpMux, server.Log.To));
        Assert.Equal("127.0.0.1", Loading.Client("[common]", "f").WebServer.Addr);
        Assert.Equal("tcp", Loading.Client("[common]\n[a]\nlocal_port = 1", "f").Proxies.Single().Type);
    }

    [Theory]
    [InlineData("bind_port=7001")]
    [InlineData("bind_port: 7001")]
    [InlineData("  bind_port   =   7001   ")]
    [InlineData("bind_port = \"7001\"")]
    [InlineData("bind_port = '7001'")]
    [InlineData("bind_port = `7001`")]
    [InlineData("bind_port = \"\"\"7001\"\"\"")]
    [InlineData("bind_port = 0x1b59")]
    [InlineData("bind_port = 015531")]
    [InlineData("bind_port = 7_001")]
    [InlineData("\"bind_port\" = 7001")]
    [InlineData("bind_port = 70\\\n01")]
    [InlineData("x = 7001\nbind_port = %(x)s")]
    [InlineData("bind_port = 1\nbind_port = 7001")]
    [InlineData("; note\n# note\nbind_port = 7001\r\n")]
    [InlineData("unknown = 1\nkey with blanks = x\nbind_port = 7001")]
    public void Many_ways_to_write_the_same(string text) => Assert.Equal(7001, Loading.Server($"[common]\n{text}\n", "f").BindPort);

    [Theory]
    [InlineData("bind_port = abc")]
    [InlineData("bind_port =")]
    [InlineData("bind_port = 7001 ; a note does not end a value")]
    [InlineData("bind_port = 7001.0")]
    [InlineData("BIND_PORT = 7001")]
    [InlineData("tcp_mux = maybe")]
    public void What_cannot_be_read_is_as_if_it_were_absent(string text)
    {
        var config = Loading.Server($"[common]\n{text}\n", "f");
        Assert.Equal((7000, true), (config.BindPort, config.Transport.TcpMux));
    }

    [Theory]
    [InlineData("1 t T true TRUE True YES yes Yes y ON on On", true)]
    [InlineData("0 f F false FALSE False NO no No n OFF off Off", false)]
    public void Booleans_have_many_spellings(string spellings, bool expected)
    {
        foreach (var spelling in spellings.Split(' '))
            Assert.Equal(expected, Loading.Server($"[common]\ntcpmux_passthrough = {(expected ? "" : "true\ntcpmux_passthrough = ")}{spelling}\n", "f").TcpmuxPassthrough);
    }

    [Theory]
    [InlineData("a,b", "a|b")]
    [InlineData(" a , b ", "a|b")]
    [InlineData("a,,b,", "a||b")]
    [InlineData("a\\,b,c", "a,b|c")]
    [InlineData("a\\b", "a\\b")]
    public void Lists_are_texts_between_commas(string value, string expected) =>
        Assert.Equal(expected.Split('|'), Loading.Client($"[common]\nstart = {value}\n", "f").Start);

    [Theory]
    [InlineData("[common]\nbind_port = 1", true)]
    [InlineData("\uFEFF[common]", true)]
    [InlineData("a = 1\n[x]\n[common] ; note\n", true)]
    [InlineData("[common]\nbind_port = {{ .Envs.PORT }}", true)]
    [InlineData("[common]\n{{ if true }}\n{{ end }}", false)]
    [InlineData("[common]\nword", false)]
    [InlineData("[ common ]\nbind_port = 1", false)]
    [InlineData("[Common]\nbind_port = 1", false)]
    [InlineData("bindPort = 1", false)]
    [InlineData("[common\n", false)]
    [InlineData("[common]\n= 1", false)]
    [InlineData("[common]\n[]\n", false)]
    [InlineData("# [common]\nbindPort = 1", false)]
    [InlineData("x = \"\"\"\n[common]\n", false)]
    public void The_section_common_makes_a_file_one_of_the_old_form(string text, bool expected) =>
        Assert.Equal(expected, LegacyDocument.IsLegacy(Encoding.UTF8.GetBytes(text)));

    [Fact]
    public void A_range_is_as_many_proxies_as_it_has_ports()
    {
        var config = Loading.Client("[common]\n[range:p]\ntype = udp\nlocal_ip = 10.0.0.1\nlocal_port = 6000-6001, 6010\nremote_port = 7000,7001,7010\nuse_encryption = true\n", "f");
        Assert.Equal(["p_0 6000 7000", "p_1 6001 7001", "p_2 6010 7010"], Canonical.Of(config)["proxies"]!.AsArray().Select(p => $"{p!["name"]} {p["localPort"]} {p["remotePort"]}"));
        Assert.All(config.Proxies, p => Assert.True(p is { Type: "udp", LocalIP: "10.0.0.1", Transport.UseEncryption: true }));
    }

    [Fact]
    public void A_section_takes_what_it_lacks_from_the_one_whose_name_it_extends()
    {
        var config = Loading.Client("[common]\n[web]\nlocal_port = 80\nremote_port = 8080\nmeta_a = b\n[web.x]\nremote_port = 8081\n", "f");
        Assert.Equal((80, 0), (config.Proxies[1].LocalPort, config.Proxies[1].Metadatas.Count));
    }

    [Theory]
    [InlineData("[common]\nprotocol = pigeon", 2, "transport.protocol: parse config error: invalid protocol")]
    [InlineData("[common]\nheartbeat_interval = 9\nheartbeat_timeout = 5", 3, "transport.heartbeatTimeout: parse config error: invalid heartbeat_timeout, ")]
    [InlineData("[common]\nincludes = /nonexistent/*.ini", 2, "parse config error: include: directory of /nonexistent/*.ini not exist")]
    [InlineData("[common]\n[a]\nrole = boss", 3, "proxy a role should be 'server' or 'visitor'")]
    [InlineData("[common]\n[a]\nrole = visitor", 2, "visitors[0].type: decode visitor at index 0: unknown visitor type: ")]
    [InlineData("[common]\n[a]\ntype = bogus", 3, "proxies[0].type: decode proxy at index 0: unknown proxy type: bogus")]
    [InlineData("[common]\n[a]\nplugin = bogus", 3, "unknown plugin type: bogus")]
    [InlineData("[common]\n[a]\nbandwidth_limit = 1XB", 3, "unit not support")]
    [InlineData("[common]\n[range:a]\nlocal_port = 1-2", 2, "local_port or remote_port is empty")]
    [InlineData("[common]\n[range:a]\nlocal_port = 1-2\nremote_port = 3", 3, "local ports number should be same with remote ports number")]
    [InlineData("[common]\n[range:a]\nlocal_port = x\nremote_port = 3", 3, "range number is invalid, strconv.ParseInt: parsing \"x\": invalid syntax")]
    [InlineData("[common]\n[range:a]\nlocal_port = 1-100000\nremote_port = 1-100000", 3, "range number is invalid")]
    [InlineData("[common]\n[a]\n\nlocal_port = 99999", 4, "proxies[0].localPort: proxy a: localPort: localPort: port number 99999 must be in the range 0..65535")]
    [InlineData("[common]\n\n[a]\ntype = http", 3, "proxies[0].customDomains: proxy a: subdomain and custom domains should not be both empty")]
    [InlineData("[common]\nlog_level = loud", 2, "log.level: invalid log level")]
    [InlineData("[common]\nadmin_port = 70000", 2, "webServer.port: port number 70000")]
    [InlineData("[common]\n{{ .Bad }} = 1", 2, "template: frp:2:3: executing \"frp\" at <.Bad>: can't evaluate field Bad in type")]
    public void Mistakes_are_told_with_their_lines(string text, int line, string words)
    {
        var error = Assert.Single(Loading.ClientErrors(text, "frpc.ini"));
        Assert.StartsWith($"frpc.ini:{line}: ", error, StringComparison.Ordinal);
        Assert.Contains(words, error, StringComparison.Ordinal);
    }

    [Fact]
    public void The_notice_comes_with_a_run_and_not_with_a_verification()
    {
        const string Notice = "ini format is deprecated and the support will be removed in the future, please use yaml/json/toml format instead!";
        var content = "[common]\ntls_enable = false\ntls_cert_file = x"u8;
        Assert.Equal([Notice, "transport.tls.certFile is invalid when transport.tls.enable is false"],
            ConfigLoader.LoadClient(content, "f", ProxyKinds.Catalog, new LoadOptions { Environment = _ => null }).Warnings);
        Assert.Single(ConfigLoader.LoadClient(content, "f", ProxyKinds.Catalog, Loading.Verify).Warnings);
        Assert.Equal([Notice], ConfigLoader.LoadServer("[common]"u8, "f", new LoadOptions()).Warnings);
    }

    [Fact]
    public void Included_files_are_parts_of_the_file()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.At("a.ini"), "[b]\ntype = tcp\nlocal_port = {{ .Envs.P }}\n");
        File.WriteAllText(folder.At("b.ini"), "remote_port = 7\n[c]\nlocal_port = 99999\n");
        File.WriteAllText(folder.At("c.ini"), "\n\n[d]\nlocal_port = {{ if }}\n");
        File.WriteAllText(folder.At("d.ini"), "[e]\nlocal_port = 1\n[f\n");
        var options = Loading.Verify with { Environment = name => name == "P" ? "5" : null };
        var config = Loading.Client($"[common]\nincludes = {folder.At("a.ini")}\n[a]\nlocal_port = 1\n", "f", options);
        Assert.Equal(["a 1", "b 5"], config.Proxies.Select(p => $"{p.Name} {p.LocalPort}"));
        Assert.Equal(
            [
                $"f:4: proxies[0].localPort: proxy a: localPort: localPort: port number 88888 must be in the range 0..65535",
                $"{folder.At("b.ini")}:3: proxies[2].localPort: proxy c: localPort: localPort: port number 99999 must be in the range 0..65535",
                $"{folder.At("c.ini")}:4: template: frp:4: missing value for if",
                $"{folder.At("d.ini")}:3: ini: unclosed section: [f",
            ],
            Loading.ClientErrors($"[common]\nincludes = {folder.At("*.ini")}\n[a]\nlocal_port = 88888\n", "f", options));
    }

    [Fact]
    public void Text_in_another_encoding_is_read_all_the_same() =>
        Assert.Equal(7001, ConfigLoader.LoadServer([.. "[common]\n# "u8, 0xC4, 0xE3, .. "\nbind_port = 7001\n"u8], "f", Loading.Verify).Config.BindPort);

    private static void Same(string expected, string? actual) =>
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(expected), JsonNode.Parse(actual ?? "null")), $"{expected} became {actual}");
}
