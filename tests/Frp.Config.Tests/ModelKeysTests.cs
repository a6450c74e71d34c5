using System.Text;

namespace Frp.Config.Tests;

public sealed class ModelKeysTests
{
    [Fact]
    public void Keys_are_named_as_files_write_them()
    {
        Assert.Equal(ModelKeys.OfServer.Distinct(), ModelKeys.OfServer);
        foreach (string key in new[] { "bindPort", "auth.token", "auth.tokenSource.file.path", "transport.tls.certFile", "webServer.tls.keyFile", "allowPorts", "httpPlugins", "vhostHTTPPort" })
        {
            Assert.Contains(key, ModelKeys.OfServer);
        }
        Assert.DoesNotContain("transport", ModelKeys.OfServer);
        Assert.DoesNotContain("allowedPorts", ModelKeys.OfServer);
    }

    [Theory]
    [InlineData("", "", "")]
    [InlineData("bindPort = 1", "bindPort = 1", "")]
    [InlineData("", "bindPort = 7000", "")] // the default, said
    [InlineData("auth.token = 'a'", "auth.token = 'b'\nbindPort = 7001", "auth.token, bindPort")]
    [InlineData("", "transport.tls.certFile = 'c'\ntransport.tls.keyFile = 'k'", "transport.tls.certFile, transport.tls.keyFile")]
    [InlineData("allowPorts = [{ single = 1 }]", "allowPorts = [{ single = 1 }, { start = 2, end = 3 }]", "allowPorts")]
    [InlineData("allowPorts = [{ single = 1 }]", "allowPorts = [{ single = 2 }]", "allowPorts")]
    [InlineData("auth.additionalScopes = ['HeartBeats']", "auth.additionalScopes = ['HeartBeats']", "")]
    [InlineData("httpPlugins = [{ name = 'a', ops = ['Login'] }]", "httpPlugins = [{ name = 'a', ops = ['Ping'] }]", "httpPlugins")]
    [InlineData("", "webServer.tls.certFile = 'c'\nwebServer.tls.keyFile = 'k'", "webServer.tls")]
    [InlineData("webServer.tls.certFile = 'c'\nwebServer.tls.keyFile = 'k'", "webServer.tls.certFile = 'd'\nwebServer.tls.keyFile = 'k'", "webServer.tls.certFile")]
    [InlineData("[auth.tokenSource]\ntype = 'file'\nfile.path = 'a'", "[auth.tokenSource]\ntype = 'file'\nfile.path = 'b'", "auth.tokenSource.file.path")]
    [InlineData("bindAddr = '127.0.0.1'", "bindAddr = '127.0.0.2'", "bindAddr, proxyBindAddr")]
    public void Differences_are_told_by_their_path(string one, string other, string expected)
    {
        Assert.Equal(expected.Split(", ", StringSplitOptions.RemoveEmptyEntries).Order(), ModelKeys.Differences(Server(one), Server(other)).Order());
        Assert.Equal(expected.Split(", ", StringSplitOptions.RemoveEmptyEntries).Order(), ModelKeys.Differences(Server(other), Server(one)).Order());
    }

    [Fact]
    public void A_configuration_is_made_of_two()
    {
        var one = Server("bindPort = 1\nuserConnTimeout = 3\nauth.token = 'a'\ntransport.tls.certFile = 'c'\ntransport.tls.keyFile = 'k'\nallowPorts = [{ single = 1 }]");
        var other = Server("bindPort = 2\nuserConnTimeout = 4\nauth.token = 'b'\ntransport.tls.certFile = 'd'\nwebServer.tls.certFile = 'c'\nwebServer.tls.keyFile = 'k'\nallowPorts = [{ single = 2 }]");
        string[] taken = ["userConnTimeout", "allowPorts", "transport.tls.certFile", "webServer.tls"];
        var asked = new List<string>();
        var merged = ModelKeys.With(one, other, key =>
        {
            asked.Add(key);
            return taken.Contains(key);
        });
        Assert.Equal(ModelKeys.Differences(one, other), asked);
        Assert.Equal(taken.Order(), ModelKeys.Differences(one, merged).Order());
        Assert.Equal((1, TimeSpan.FromSeconds(4), "a", "d", "k", "c"),
            (merged.BindPort, merged.UserConnTimeout, merged.Auth.Token, merged.Transport.Tls.CertFile, merged.Transport.Tls.KeyFile, merged.WebServer.Tls?.CertFile));
        Assert.True(merged.AllowedPorts.Contains(2));
        Assert.False(merged.AllowedPorts.Contains(1));
        Assert.Equal((1, "c"), (one.BindPort, one.Transport.Tls.CertFile));
    }

    [Fact]
    public void What_is_taken_over_from_nothing_is_the_same()
    {
        // Every number negative, every text empty, every switch off: what the completion has filled in must not be filled in once more.
        const string Least = """
            bindAddr = ''
            kcpBindPort = 0
            vhostHTTPTimeout = -1
            maxPortsPerClient = -1
            userConnTimeout = -1
            udpPacketSize = -1
            natholeAnalysisDataReserveHours = -1
            detailedErrorsToClient = false
            log.maxDays = -1
            [transport]
            tcpMux = false
            tcpMuxKeepaliveInterval = -1
            tcpKeepalive = -1
            maxPoolCount = -1
            heartbeatTimeout = -1
            quic = { keepalivePeriod = -1, maxIdleTimeout = -1, maxIncomingStreams = -1 }
            tls.trustedCaFile = 'ca'
            """;
        foreach (string text in new[] { "", Least, "transport.maxPoolCount = 1\nproxyBindAddr = 'a'" })
        {
            var config = Server(text);
            Assert.Empty(ModelKeys.Differences(config, ModelKeys.With(config, Server("bindPort = 1\nlog.level = 'debug'"), _ => false)));
        }
    }

    private static ServerConfig Server(string text) => ConfigLoader.LoadServer(Encoding.UTF8.GetBytes(text), "frps.toml").Config;
}
