using Frp.Config;
using Frp.Transport;
using Frp.Wire;
using Microsoft.Extensions.Logging;

namespace Frp.Client;

/// <summary>What the parts of one running client share. Built once, when the client starts.</summary>
internal sealed class ClientContext
{
    private byte[]? _streamKey;

    internal required ClientConfig Config { get; init; }
    internal required ServerDialer Dialer { get; init; }
    internal required ILoggerFactory Loggers { get; init; }
    internal required TimeProvider Time { get; init; }
    internal required IProver Auth { get; init; }
    internal WireVersion Wire => WireOf(Config);

    /// <summary>The shared secret, resolved.</summary>
    internal required string Token { get; init; }

    /// <summary>Key of the payload encryption and of the v1 control channel, derived from the token.</summary>
    // Lazy: the first use of cryptography loads it, and the server can be dialled meanwhile.
    internal byte[] StreamKey => LazyInitializer.EnsureInitialized(ref _streamKey, () => Frp.Wire.StreamKey.Derive(Token));

    /// <summary>The proxies.</summary>
    internal required ProxyTable Proxies { get; init; }

    /// <summary>Tells the session that something about a proxy has changed.</summary>
    internal required Wakening Wakening { get; init; }

    /// <summary>Work connections, waiting or busy. They are drained when the client stops.</summary>
    internal required TaskScope Users { get; init; }

    /// <summary>Fires when the client stops for good, behind the draining.</summary>
    internal required CancellationToken Stopping { get; init; }

    /// <summary>The framing that a configuration asks for.</summary>
    internal static WireVersion WireOf(ClientConfig config) => config.Transport.WireProtocol == "v2" ? WireVersion.V2 : WireVersion.V1;
}
