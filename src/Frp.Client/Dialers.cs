using System.Net;
using Frp.Config;
using Frp.Transport;
using Microsoft.Extensions.Logging;

namespace Frp.Client;

/// <summary>From the configuration's <c>serverAddr</c> and <c>transport</c> to a dialler.</summary>
internal static class Dialers
{
    /// <summary>Prepares the dialler: reads certificate files, dials nothing.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Where it is told what becomes of certificate files.</param>
    /// <exception cref="ConfigException">A file, an address or the transport cannot be used.</exception>
    internal static ServerDialer Create(ClientConfig config, TimeProvider time, ILogger logger)
    {
        var (transport, tls) = (config.Transport, config.Transport.Tls);
        if (!Transports.Names.Contains(transport.Protocol)) throw new ConfigException($"transport.protocol {transport.Protocol} is not supported by this release of the client yet");
        if (transport.Protocol == Transports.Quic && !QuicPlatform.IsSupported) throw new ConfigException($"transport.protocol: {QuicPlatform.Missing}");
        IPAddress? local = null;
        if (transport.ConnectServerLocalIP.Length > 0 && !IPAddress.TryParse(transport.ConnectServerLocalIP, out local))
        {
            throw new ConfigException($"transport.connectServerLocalIP: {transport.ConnectServerLocalIP} is not an IP address");
        }
        try
        {
            return ServerDialer.Create(
                new ServerDialOptions
                {
                    ServerAddress = config.ServerAddr,
                    ServerPort = config.ServerPort,
                    Protocol = transport.Protocol,
                    EnableTls = tls.Enable,
                    Tls = new TlsClientOptions
                    {
                        CertFile = tls.CertFile,
                        KeyFile = tls.KeyFile,
                        TrustedCaFile = tls.TrustedCaFile,
                        TrustSystemCAs = tls.TrustSystemCAs,
                        PinnedKeys = tls.PinnedKeys,
                        KnownServersFile = tls.TrustOnFirstUseFile,
                        ServerName = tls.ServerName,
                        LongLived = transport.TcpMux,
                    },
                    DisableCustomTlsFirstByte = tls.DisableCustomTlsFirstByte,
                    DialTimeout = transport.DialServerTimeout,
                    KeepAlive = transport.DialServerKeepalive ?? Timeout.InfiniteTimeSpan,
                    ConnectServerLocalIP = local,
                    ProxyUrl = transport.ProxyUrl,
                    DnsServer = config.DnsServer,
                    Quic = new QuicSettings { KeepAlive = transport.Quic.KeepalivePeriod, IdleTimeout = transport.Quic.MaxIdleTimeout, MaxStreams = transport.Quic.MaxIncomingStreams },
                },
                time,
                logger);
        }
        catch (Exception e) when (e is TlsFileException or ArgumentException)
        {
            throw new ConfigException(e.Message, e);
        }
    }

    /// <summary>Whether a carrier with these settings is encrypted.</summary>
    internal static bool UsesTls(ClientTransportConfig transport) => transport.Tls.Enable || transport.Protocol is Transports.Wss or Transports.Quic;
}
