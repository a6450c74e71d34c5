namespace Frp.Transport;

/// <summary>Streams between two clients over a <see cref="PunchedHole"/>: the visitor opens them, the proxy's side accepts them.</summary>
/// <remarks><b>Ends.</b> A tunnel that is over stays over; <see cref="DisposeAsync"/> ends one that is not, with all its streams.</remarks>
public abstract class PeerTunnel : IAsyncDisposable
{
    /// <summary>Completes when the tunnel is over.</summary>
    public abstract Task<CloseReason> Completion { get; }

    /// <summary>Whether a stream can be opened.</summary>
    public abstract bool CanOpen { get; }

    /// <summary>Opens a stream, now the caller's. Does not wait for the peer.</summary>
    /// <exception cref="IOException">The tunnel is over, or takes no streams any more.</exception>
    public abstract ValueTask<Connection> OpenAsync(CancellationToken cancellationToken);

    /// <summary>The next stream of the peer's, now the caller's; null when the tunnel is over.</summary>
    public abstract ValueTask<Connection?> AcceptAsync(CancellationToken cancellationToken);

    /// <summary>Takes no streams any more, and says so to the peer; those that there are go on.</summary>
    public abstract void Retire();

    /// <inheritdoc/>
    public abstract ValueTask DisposeAsync();
}

/// <summary>Which end of a tunnel this is.</summary>
public enum TunnelSide
{
    /// <summary>Opens streams.</summary>
    Visitor,
    /// <summary>Accepts them.</summary>
    Proxy,
}

/// <summary>Starts a tunnel.</summary>
/// <param name="hole">Ownership of its socket passes to the tunnel, also when that fails.</param>
/// <param name="side">Which end.</param>
/// <param name="time">The clock.</param>
/// <param name="cancellationToken">Gives up.</param>
public delegate ValueTask<PeerTunnel> PeerTunnelStarter(PunchedHole hole, TunnelSide side, TimeProvider time, CancellationToken cancellationToken);

/// <summary>The protocols of tunnels between clients. A new one is a line here.</summary>
public static class PeerTunnels
{
    /// <summary>What a visitor uses that is not told what to use.</summary>
    // Compat: quic in frp (docs/COMPAT.md, "protocol of xtcp visitors").
    public const string Default = "kcp";

    /// <summary>How to start a tunnel; null where the protocol is not served.</summary>
    /// <param name="protocol">As in configurations and messages.</param>
    public static PeerTunnelStarter? Find(string protocol) => protocol switch
    {
        "kcp" => KcpPeerTunnel.StartAsync,
        _ => null,
    };
}
