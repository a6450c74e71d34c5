using System.Runtime.Versioning;
using Frp.Transport;
using Yamux;

namespace Frp.Client;

/// <summary>What a client opens logical connections on: one multiplexed link, or a new link for each.</summary>
internal interface ICarrier : IAsyncDisposable
{
    /// <summary>Opens a logical connection, now the caller's.</summary>
    ValueTask<Connection> OpenAsync(CancellationToken cancellationToken);

    /// <summary>The server has said that it takes no more logical connections on this link, which still works.</summary>
    bool IsRetiring { get; }

    /// <summary>Completes when the link is lost; never where there is no common link.</summary>
    Task<CloseReason> Completion { get; }
}

/// <summary>Dials a link for every logical connection (<c>transport.tcpMux = false</c>).</summary>
internal sealed class DirectCarrier(ServerDialer dialer) : ICarrier
{
    public ValueTask<Connection> OpenAsync(CancellationToken cancellationToken) => dialer.DialAsync(cancellationToken);

    public bool IsRetiring => false;

    public Task<CloseReason> Completion { get; } = new TaskCompletionSource<CloseReason>().Task;

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}

/// <summary>One dialled link with a multiplexing session on it; each logical connection is one stream.</summary>
internal sealed class MuxCarrier : ICarrier
{
    private readonly Connection _link;
    private readonly YamuxSession _session;

    private MuxCarrier(Connection link, YamuxSession session)
    {
        (_link, _session) = (link, session);
        Completion = RunAsync();
    }

    /// <summary>Dials the link and starts the session on it.</summary>
    /// <param name="dialer">Knows the server.</param>
    /// <param name="options">The session's.</param>
    /// <param name="cancellationToken">Gives up dialling.</param>
    internal static async ValueTask<MuxCarrier> DialAsync(ServerDialer dialer, YamuxOptions options, CancellationToken cancellationToken)
    {
        var link = await dialer.DialAsync(cancellationToken);
        return new MuxCarrier(link, new YamuxSession(link.Stream, YamuxRole.Client, options));
    }

    public bool IsRetiring => _session is { End: null, CanOpenStreams: false };

    public Task<CloseReason> Completion { get; }

    public async ValueTask<Connection> OpenAsync(CancellationToken cancellationToken) =>
        new MuxConnection(await _session.OpenStreamAsync(cancellationToken), _link.Local, _link.Remote, _link);

    public async ValueTask DisposeAsync()
    {
        await _session.DisposeAsync();
        await Completion;
        await _link.DisposeAsync();
    }

    // Its owner ends it by disposing: the end of the control connection still goes out then, which a carrier without an end of its own (KCP) has no other word for.
    private async Task<CloseReason> RunAsync() => MuxEnds.ReasonOf(await _session.RunAsync(CancellationToken.None));
}

/// <summary>A dialled QUIC connection; each logical connection is one stream.</summary>
[SupportedOSPlatform("linux")]
[SupportedOSPlatform("macos")]
[SupportedOSPlatform("windows")]
internal sealed class LinkCarrier : ICarrier
{
    private readonly QuicLink _link;
    private readonly CancellationTokenSource _ending = new();

    /// <summary>Takes a link that was just dialled.</summary>
    /// <param name="link">Owned.</param>
    internal LinkCarrier(QuicLink link)
    {
        _link = link;
        Completion = WatchAsync();
    }

    public bool IsRetiring => false;

    public Task<CloseReason> Completion { get; }

    public ValueTask<Connection> OpenAsync(CancellationToken cancellationToken) => _link.OpenAsync(cancellationToken);

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        await _link.DisposeAsync();
        await Completion;
        _ending.Dispose();
    }

    // Servers open no streams: what this waits for is the end, of which nothing else tells. It throws, whatever happens.
    private async Task<CloseReason> WatchAsync()
    {
        try
        {
            while (true)
            {
                var stray = await _link.AcceptAsync(_ending.Token);
                stray.Abort();
                await stray.DisposeAsync();
            }
        }
        catch (Exception e)
        {
            return QuicLink.ReasonOf(e);
        }
    }
}
