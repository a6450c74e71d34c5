using System.Net.Sockets;
using Kcp;
using Yamux;

namespace Frp.Transport;

/// <summary>A tunnel of a KCP conversation whose number both know, and a multiplexer on it; without TLS.</summary>
/// <remarks>Source: wire specification §17.8, §4.4.1, §6.2.</remarks>
internal sealed class KcpPeerTunnel : PeerTunnel
{
    private const uint Conversation = 1;
    private const int Window = 1024; // segments, each way
    private static readonly TimeSpan KeepAlive = TimeSpan.FromSeconds(10);

    private readonly KcpConnection _link;
    private readonly YamuxSession _session;

    private KcpPeerTunnel(KcpConnection link, YamuxSession session)
    {
        (_link, _session) = (link, session);
        Completion = RunAsync();
    }

    public override Task<CloseReason> Completion { get; }

    public override bool CanOpen => _session.CanOpenStreams;

    internal static ValueTask<PeerTunnel> StartAsync(PunchedHole hole, TunnelSide side, TimeProvider time, CancellationToken cancellationToken)
    {
        try
        {
            cancellationToken.ThrowIfCancellationRequested();
            // From here on the kernel drops what others send, and tells when nobody is at the peer's port any more.
            hole.Socket.Connect(hole.Peer);
            // The peer may still be on its way from the punched socket to its end of the tunnel, and its port closed for a moment.
            var options = new KcpOptions { SendWindow = Window, ReceiveWindow = Window, AwaitsPeer = true, TimeProvider = time };
            var link = new KcpConnection(KcpDialer.Dial(hole.Socket, options, Conversation));
            var role = side == TunnelSide.Visitor ? YamuxRole.Client : YamuxRole.Server;
            return ValueTask.FromResult<PeerTunnel>(new KcpPeerTunnel(link, new YamuxSession(link.Stream, role, new YamuxOptions { KeepAliveInterval = KeepAlive, TimeProvider = time })));
        }
        catch (Exception e)
        {
            hole.Socket.Dispose();
            if (e is SocketException) throw new IOException(e.Message, e);
            throw;
        }
    }

    public override async ValueTask<Connection> OpenAsync(CancellationToken cancellationToken) => Wrap(await _session.OpenStreamAsync(cancellationToken));

    public override async ValueTask<Connection?> AcceptAsync(CancellationToken cancellationToken) => await _session.AcceptStreamAsync(cancellationToken) is { } stream ? Wrap(stream) : null;

    // Queued at once: there is nothing to wait for.
    public override void Retire() => _ = _session.GoAwayAsync(CancellationToken.None);

    public override async ValueTask DisposeAsync()
    {
        await _session.DisposeAsync();
        await Completion;
        await _link.DisposeAsync();
    }

    private MuxConnection Wrap(YamuxStream stream) => new(stream, _link.Local, _link.Remote, _link);

    private async Task<CloseReason> RunAsync() => MuxEnds.ReasonOf(await _session.RunAsync(CancellationToken.None));
}
