using Frp.Config;
using Frp.Transport;

namespace Frp.Proxies.Plugins;

/// <summary>The plug-in <c>tls2raw</c>: users speak TLS, and the service gets what is in it.</summary>
internal static class Tls2RawPlugin
{
    private static readonly TimeSpan HandshakeTimeout = TimeSpan.FromSeconds(10);

    /// <exception cref="TlsFileException">The certificate or its key cannot be used.</exception>
    internal static IClientProxy Create(ProxyConfig config, IClientProxyHost host)
    {
        var options = (Tls2RawPluginConfig)config.Plugin!;
        // Users come and go: resumption is worth more to them than the choice of a cipher.
        var tls = TlsServer.Load(new TlsServerOptions { CertFile = options.CrtPath, KeyFile = options.KeyPath, LongLived = false }, host.Time, logger: host.Logger);
        return new BackendProxy(config, host, token => DialAsync(options.LocalAddr, host, token)) { Receive = (work, token) => tls.AuthenticateAsync(work, HandshakeTimeout, token) };
    }

    private static ValueTask<Connection> DialAsync(string address, IClientProxyHost host, CancellationToken cancellationToken) =>
        HostPort.TryParse(address, defaultPort: null, out var service)
            ? host.DialLocalAsync(service.Host, service.Port, cancellationToken)
            : throw new IOException($"localAddr [{address}] is not host:port");
}
