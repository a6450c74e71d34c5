using System.Text.Json;

namespace Frp.Config.Tests;

public class DefaultsTests
{
    [Theory]
    [InlineData("version", "\"\"")]
    [InlineData("bindAddr", "\"0.0.0.0\"")]
    [InlineData("bindPort", "7000")]
    [InlineData("kcpBindPort", "0")]
    [InlineData("quicBindPort", "0")]
    [InlineData("proxyBindAddr", "\"0.0.0.0\"")]
    [InlineData("vhostHTTPPort", "0")]
    [InlineData("vhostHTTPTimeout", "60")]
    [InlineData("vhostHTTPSPort", "0")]
    [InlineData("tcpmuxHTTPConnectPort", "0")]
    [InlineData("tcpmuxPassthrough", "false")]
    [InlineData("subDomainHost", "\"\"")]
    [InlineData("custom404Page", "\"\"")]
    [InlineData("detailedErrorsToClient", "true")]
    [InlineData("maxPortsPerClient", "0")]
    [InlineData("userConnTimeout", "10")]
    [InlineData("udpPacketSize", "1500")]
    [InlineData("natholeAnalysisDataReserveHours", "168")]
    [InlineData("allowPorts", "[]")]
    [InlineData("enablePrometheus", "false")]
    [InlineData("httpPlugins", "[]")]
    [InlineData("transport.tcpMux", "true")]
    [InlineData("transport.tcpMuxKeepaliveInterval", "30")]
    [InlineData("transport.tcpKeepalive", "7200")]
    [InlineData("transport.maxPoolCount", "5")]
    [InlineData("transport.heartbeatTimeout", "-1")]
    [InlineData("transport.quic.keepalivePeriod", "10")]
    [InlineData("transport.quic.maxIdleTimeout", "30")]
    [InlineData("transport.quic.maxIncomingStreams", "100000")]
    [InlineData("transport.tls.force", "false")]
    [InlineData("transport.tls.certFile", "\"\"")]
    [InlineData("transport.tls.keyFile", "\"\"")]
    [InlineData("transport.tls.trustedCaFile", "\"\"")]
    [InlineData("transport.tls.serverName", "\"\"")]
    [InlineData("auth.method", "\"token\"")]
    [InlineData("auth.additionalScopes", "[]")]
    [InlineData("auth.token", "\"\"")]
    [InlineData("auth.tokenSource", null)]
    [InlineData("auth.oidc.issuer", "\"\"")]
    [InlineData("auth.oidc.audience", "\"\"")]
    [InlineData("auth.oidc.skipExpiryCheck", "false")]
    [InlineData("auth.oidc.skipIssuerCheck", "false")]
    [InlineData("webServer.addr", "\"127.0.0.1\"")]
    [InlineData("webServer.port", "0")]
    [InlineData("webServer.user", "\"\"")]
    [InlineData("webServer.password", "\"\"")]
    [InlineData("webServer.assetsDir", "\"\"")]
    [InlineData("webServer.pprofEnable", "false")]
    [InlineData("webServer.tls", null)]
    [InlineData("log.to", "\"console\"")]
    [InlineData("log.level", "\"info\"")]
    [InlineData("log.maxDays", "3")]
    [InlineData("log.disablePrintColor", "false")]
    [InlineData("sshTunnelGateway.bindPort", "0")]
    [InlineData("sshTunnelGateway.privateKeyFile", "\"\"")]
    [InlineData("sshTunnelGateway.autoGenPrivateKeyPath", "\"./.autogen_ssh_key\"")]
    [InlineData("sshTunnelGateway.authorizedKeysFile", "\"\"")]
    public void An_empty_file_gives_the_server_its_defaults(string key, string? expected) =>
        Assert.Equal(expected, Canonical.At(Canonical.Of(Loading.Server("")), key));

    [Theory]
    [InlineData("serverAddr", "\"0.0.0.0\"")]
    [InlineData("serverPort", "7000")]
    [InlineData("user", "\"\"")]
    [InlineData("clientID", "\"\"")]
    [InlineData("natHoleStunServer", "\"stun.easyvoip.com:3478\"")]
    [InlineData("dnsServer", "\"\"")]
    [InlineData("loginFailExit", "true")]
    [InlineData("start", "[]")]
    [InlineData("udpPacketSize", "1500")]
    [InlineData("metadatas", "{}")]
    [InlineData("includes", "[]")]
    [InlineData("featureGates", "{}")]
    [InlineData("virtualNet.address", "\"\"")]
    [InlineData("store.path", "\"\"")]
    [InlineData("proxies", "[]")]
    [InlineData("visitors", "[]")]
    [InlineData("transport.protocol", "\"tcp\"")]
    [InlineData("transport.wireProtocol", "\"v1\"")]
    [InlineData("transport.dialServerTimeout", "10")]
    [InlineData("transport.dialServerKeepalive", "7200")]
    [InlineData("transport.connectServerLocalIP", "\"\"")]
    [InlineData("transport.proxyURL", "\"\"")]
    [InlineData("transport.poolCount", "1")]
    [InlineData("transport.tcpMux", "true")]
    [InlineData("transport.tcpMuxKeepaliveInterval", "30")]
    [InlineData("transport.heartbeatInterval", "-1")]
    [InlineData("transport.heartbeatTimeout", "-1")]
    [InlineData("transport.quic.keepalivePeriod", "10")]
    [InlineData("transport.quic.maxIdleTimeout", "30")]
    [InlineData("transport.quic.maxIncomingStreams", "100000")]
    [InlineData("transport.tls.enable", "true")]
    [InlineData("transport.tls.disableCustomTLSFirstByte", "true")]
    [InlineData("transport.tls.certFile", "\"\"")]
    [InlineData("transport.tls.keyFile", "\"\"")]
    [InlineData("transport.tls.trustedCaFile", "\"\"")]
    [InlineData("transport.tls.serverName", "\"0.0.0.0\"")]
    [InlineData("auth.method", "\"token\"")]
    [InlineData("auth.additionalScopes", "[]")]
    [InlineData("auth.token", "\"\"")]
    [InlineData("auth.oidc.clientID", "\"\"")]
    [InlineData("auth.oidc.clientSecret", "\"\"")]
    [InlineData("auth.oidc.audience", "\"\"")]
    [InlineData("auth.oidc.scope", "\"\"")]
    [InlineData("auth.oidc.tokenEndpointURL", "\"\"")]
    [InlineData("auth.oidc.additionalEndpointParams", "{}")]
    [InlineData("auth.oidc.trustedCaFile", "\"\"")]
    [InlineData("auth.oidc.insecureSkipVerify", "false")]
    [InlineData("auth.oidc.proxyURL", "\"\"")]
    [InlineData("auth.oidc.tokenSource", null)]
    [InlineData("webServer.addr", "\"127.0.0.1\"")]
    [InlineData("webServer.port", "0")]
    [InlineData("log.to", "\"console\"")]
    [InlineData("log.level", "\"info\"")]
    [InlineData("log.maxDays", "3")]
    public void An_empty_file_gives_the_client_its_defaults(string key, string? expected) =>
        Assert.Equal(expected, Canonical.At(Canonical.Of(Loading.Client("")), key));

    [Fact]
    public void Zero_means_unset()
    {
        var server = Loading.Server("bindPort = 0\nbindAddr = \"\"\nlog.maxDays = 0\ntransport.heartbeatTimeout = 0\ntransport.tcpMux = false");
        Assert.Equal((7000, "0.0.0.0", 3, 90), (server.BindPort, server.BindAddr, server.Log.MaxDays, server.Transport.HeartbeatTimeoutSeconds));
        Assert.Equal(1, Loading.Client("transport.poolCount = 0").Transport.PoolCount);
    }

    [Fact]
    public void Heartbeats_depend_on_the_multiplexer()
    {
        var with = Loading.Client("").Transport;
        Assert.Equal((null, null), (with.HeartbeatInterval, with.HeartbeatTimeout));
        var without = Loading.Client("transport.tcpMux = false").Transport;
        Assert.Equal((30, 90), (without.HeartbeatInterval!.Value.TotalSeconds, without.HeartbeatTimeout!.Value.TotalSeconds));
        var onlyTimeout = Loading.Client("transport.heartbeatTimeout = 5").Transport;
        Assert.Equal((null, null), (onlyTimeout.HeartbeatInterval, onlyTimeout.HeartbeatTimeout));
        Assert.Null(Loading.Server("").Transport.HeartbeatTimeout);
        Assert.Equal(TimeSpan.FromSeconds(90), Loading.Server("transport.tcpMux = false").Transport.HeartbeatTimeout);
    }

    [Fact]
    public void Negative_numbers_switch_timers_off_and_never_mean_an_endless_wait()
    {
        var server = Loading.Server("userConnTimeout = -1\nvhostHTTPTimeout = -1\nnatholeAnalysisDataReserveHours = -1\ntransport.tcpKeepalive = -1\ntransport.maxPoolCount = -3\nudpPacketSize = -1");
        Assert.Equal((10, 60, 168), (server.UserConnTimeout.TotalSeconds, server.VhostHttpTimeout.TotalSeconds, server.NatHoleAnalysisDataReserve.TotalHours));
        Assert.Null(server.Transport.TcpKeepalive);
        Assert.Equal((-3, 1500), (server.Transport.MaxPoolCount, server.UdpPacketSize));
        var client = Loading.Client("transport.dialServerTimeout = -1\ntransport.dialServerKeepalive = -1\ntransport.poolCount = -9\nudpPacketSize = 999999");
        Assert.Equal(TimeSpan.FromSeconds(10), client.Transport.DialServerTimeout);
        Assert.Null(client.Transport.DialServerKeepalive);
        Assert.Equal((0, 65535), (client.Transport.PoolCount, client.UdpPacketSize));
    }

    [Fact]
    public void Numbers_beyond_what_timers_can_take_are_long_times()
    {
        const string Huge = "2147483647";
        var server = Loading.Server($"userConnTimeout = {Huge}\nvhostHTTPTimeout = {Huge}\nnatholeAnalysisDataReserveHours = {Huge}\ntransport.tcpKeepalive = {Huge}\ntransport.heartbeatTimeout = {Huge}\ntransport.tcpMuxKeepaliveInterval = {Huge}");
        var client = Loading.Client($"transport.dialServerTimeout = {Huge}\ntransport.dialServerKeepalive = {Huge}\ntransport.heartbeatInterval = {Huge}\ntransport.heartbeatTimeout = {Huge}\ntransport.tcpMuxKeepaliveInterval = {Huge}\n"
            + $"[[proxies]]\nname = 'a'\ntype = 'tcp'\nlocalPort = 1\nhealthCheck = {{ type = 'tcp', timeoutSeconds = {Huge}, intervalSeconds = {Huge} }}\n"
            + $"[[visitors]]\nname = 'v'\ntype = 'xtcp'\nserverName = 's'\nbindPort = 1\nminRetryInterval = {Huge}\nfallbackTimeoutMs = {Huge}");
        var (check, visitor) = (client.Proxies.Single().HealthCheck, (Proxies.XtcpVisitorConfig)client.Visitors.Single());
        TimeSpan?[] times =
        [
            server.UserConnTimeout, server.VhostHttpTimeout, server.Transport.TcpKeepalive, server.Transport.HeartbeatTimeout, server.Transport.TcpMuxKeepaliveInterval,
            client.Transport.DialServerTimeout, client.Transport.DialServerKeepalive, client.Transport.HeartbeatInterval, client.Transport.HeartbeatTimeout, client.Transport.TcpMuxKeepaliveInterval,
            check.Timeout, check.Interval, visitor.MinRetryInterval, visitor.FallbackTimeout,
        ];
        Assert.All(times, time =>
        {
            Assert.InRange(time!.Value, TimeSpan.FromDays(20), TimeSpan.FromDays(45));
            using var timer = new CancellationTokenSource(time.Value, TimeProvider.System); // throws where it cannot
        });
        Assert.True(server.NatHoleAnalysisDataReserve > TimeSpan.FromDays(10_000));
    }

    [Fact]
    public void Some_defaults_follow_other_options()
    {
        Assert.Equal("::1", Loading.Server("bindAddr = \"::1\"").ProxyBindAddr);
        Assert.True(Loading.Server("transport.tls.trustedCaFile = \"ca\"").Transport.Tls.Force);
        Assert.Equal("example.com", Loading.Client("serverAddr = \"example.com\"").Transport.Tls.ServerName);
    }

    [Fact]
    public void The_environment_names_the_proxy_unless_the_file_does()
    {
        var options = Loading.Verify with { Environment = name => name == "http_proxy" ? "http://p:1" : "http://wrong:1" };
        Assert.Equal("http://p:1", Loading.Client("", options: options).Transport.ProxyUrl);
        Assert.Equal("socks5://s:2", Loading.Client("transport.proxyURL = \"socks5://s:2\"", options: options).Transport.ProxyUrl);
    }

    [Fact]
    public void Proxies_and_visitors_have_defaults_too()
    {
        var config = Loading.Client("""
            [[proxies]]
            name = "p"
            type = "tcp"
            [[proxies]]
            name = "q"
            type = "tcp"
            healthCheck.type = "tcp"
            plugin.type = "https2http"
            plugin.localAddr = "a:1"
            [[visitors]]
            name = "v"
            type = "xtcp"
            serverName = "s"
            bindPort = 1
            """);
        var (p, q) = (Canonical.Of(config)["proxies"]![0]!, Canonical.Of(config)["proxies"]![1]!);
        Assert.Equal("{\"type\":\"\",\"timeoutSeconds\":0,\"maxFailed\":0,\"intervalSeconds\":0,\"path\":\"\",\"httpHeaders\":[]}", p["healthCheck"]!.ToJsonString());
        Assert.Equal(("\"127.0.0.1\"", "\"client\"", "0"), (Canonical.At(p, "localIP"), Canonical.At(p, "transport.bandwidthLimitMode"), Canonical.At(p, "remotePort")));
        Assert.Equal(("3", "1", "10"), (Canonical.At(q, "healthCheck.timeoutSeconds"), Canonical.At(q, "healthCheck.maxFailed"), Canonical.At(q, "healthCheck.intervalSeconds")));
        Assert.Equal("true", Canonical.At(q, "plugin.enableHTTP2"));
        var v = Canonical.Of(config)["visitors"]![0]!;
        Assert.Equal(
            ("\"127.0.0.1\"", "\"kcp\"", "false", "8", "90", "\"\"", "1000", (string?)null),
            (Canonical.At(v, "bindAddr"), Canonical.At(v, "protocol"), Canonical.At(v, "keepTunnelOpen"), Canonical.At(v, "maxRetriesAnHour"),
            Canonical.At(v, "minRetryInterval"), Canonical.At(v, "fallbackTo"), Canonical.At(v, "fallbackTimeoutMs"), Canonical.At(v, "natTraversal.disableAssistedAddrs")));
        Assert.Equal(JsonValueKind.Null, JsonDocument.Parse(v.ToJsonString()).RootElement.GetProperty("plugin").ValueKind);
    }
}
