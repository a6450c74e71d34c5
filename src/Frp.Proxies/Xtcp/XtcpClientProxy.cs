using Frp.Transport;
using Frp.Wire;
using Microsoft.Extensions.Logging;

namespace Frp.Proxies;

/// <summary>The client half of an xtcp proxy: a work connection brings an attempt of a visitor, and an attempt that succeeds a tunnel with his users.</summary>
/// <remarks>
/// A tunnel is one piece of work for the client: it ends with the visitor, or when the proxy is withdrawn and its last user has left. <b>Bounds.</b>
/// <see cref="MostTunnels"/> attempts and tunnels at once.
/// </remarks>
internal sealed partial class XtcpClientProxy : IClientProxy
{
    /// <summary>Attempts and tunnels of one proxy.</summary>
    internal const int MostTunnels = 256;

    private static readonly TimeSpan SidTimeout = TimeSpan.FromSeconds(10);

    private readonly XtcpProxyConfig _config;
    private readonly IClientProxyHost _host;
    private readonly IClientProxy _backend;
    private readonly BandwidthLimiter? _limit;
    private readonly Lazy<byte[]> _key;
    private readonly CancellationTokenSource _withdrawn = new();
    private int _tunnels;

    /// <summary>Prepares it.</summary>
    /// <param name="config">The proxy.</param>
    /// <param name="host">The client.</param>
    /// <param name="backend">Serves the users. Owned.</param>
    internal XtcpClientProxy(XtcpProxyConfig config, IClientProxyHost host, IClientProxy backend)
    {
        (_config, _host, _backend) = (config, host, backend);
        // The server never sees the users' bytes: nobody limits where it was asked to.
        if (config.Transport.BandwidthLimitMode != "server") _limit = BandwidthLimiter.For(config.Transport.BandwidthLimit.BytesPerSecond, host.Time);
        _key = new Lazy<byte[]>(() => StreamKey.Derive(config.SecretKey));
    }

    public bool TakesRawWork => true;

    public async Task ServeAsync(Connection work, StartWorkConn start, RelayEnd end, CancellationToken cancellationToken)
    {
        bool hasRoom = Interlocked.Increment(ref _tunnels) <= MostTunnels;
        try
        {
            string sid;
            await using (work) sid = await ReadSidAsync(work, cancellationToken);
            if (hasRoom) await AttemptAsync(sid, start, cancellationToken);
            else Log.NoRoom(_host.Logger, MostTunnels);
        }
        catch (Exception e) when (e is IOException or TimeoutException or PeerRefusedException or ProtocolViolationException)
        {
            Log.Failed(_host.Logger, e.Message);
        }
        catch (OperationCanceledException) when (_withdrawn.IsCancellationRequested)
        {
            // The proxy is wanted no more.
        }
        finally
        {
            Interlocked.Decrement(ref _tunnels);
        }
    }

    /// <inheritdoc/>
    public void Withdraw()
    {
        _backend.Withdraw();
        _withdrawn.Cancel();
    }

    public ValueTask DisposeAsync() => _backend.DisposeAsync();

    private async Task<string> ReadSidAsync(Connection work, CancellationToken cancellationToken)
    {
        await using var messages = new MessageStream(work.Stream, _host.Codec);
        using var deadline = new Deadline(SidTimeout, _host.Time, cancellationToken);
        try
        {
            return (await messages.ReadAsync<NatHoleSid>(deadline.Token)).Sid;
        }
        catch (OperationCanceledException) when (deadline.HasPassed)
        {
            throw deadline.Passed("attempt on a work connection");
        }
    }

    private async Task AttemptAsync(string sid, StartWorkConn start, CancellationToken cancellationToken)
    {
        PeerTunnel tunnel;
        using (var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _withdrawn.Token)) tunnel = await OpenAsync(sid, either.Token);
        await using (tunnel) await ServeAsync(tunnel, start, cancellationToken);
    }

    private async Task<PeerTunnel> OpenAsync(string sid, CancellationToken cancellationToken)
    {
        var broker = _host.Traversal;
        using var local = await LocalSide.DiscoverAsync(broker, _config.NatTraversal, _host.Time, cancellationToken);
        var question = new NatHoleClient { ProxyName = broker.ProxyName, Sid = sid, MappedAddrs = local.Mapped, AssistedAddrs = local.Assisted };
        var answer = await broker.AskAsync(question, cancellationToken);
        PeerTunnel tunnel;
        try
        {
            // Anything but kcp is quic to the reference. It is said to the log as the visitor has said it.
            var starter = PeerTunnels.Find(answer.Protocol) ?? throw new IOException($"the visitor wants a tunnel of protocol [{PeerText.Escape(answer.Protocol, 32)}], which this release of the client does not support yet: protocol = \"kcp\" works");
            var hole = await local.PunchAsync(PunchPlan.Of(answer), _key.Value, _host.Time, cancellationToken);
            tunnel = await starter(hole, TunnelSide.Proxy, _host.Time, cancellationToken);
            Log.Opened(_host.Logger, answer.Protocol, hole.Peer);
        }
        catch (Exception e) when (e is IOException or TimeoutException)
        {
            await ReportAsync(broker, answer.Sid, success: false, cancellationToken);
            throw;
        }
        try
        {
            await ReportAsync(broker, answer.Sid, success: true, cancellationToken);
            return tunnel;
        }
        catch (Exception)
        {
            await tunnel.DisposeAsync();
            throw;
        }
    }

    private async ValueTask ReportAsync(ITraversalHost broker, string sid, bool success, CancellationToken cancellationToken)
    {
        try
        {
            await broker.TellAsync(new NatHoleReport { Sid = sid, Success = success }, cancellationToken);
        }
        catch (IOException e)
        {
            Log.Unreported(_host.Logger, e.Message); // what has come of the attempt counts without a session, too
        }
    }

    private async Task ServeAsync(PeerTunnel tunnel, StartWorkConn start, CancellationToken cancellationToken)
    {
        await using var users = new TaskScope("users of a tunnel", (name, e) => Log.Fault(_host.Logger, name, e), cancellationToken);
        using (_withdrawn.Token.UnsafeRegister(static t => ((PeerTunnel)t!).Retire(), tunnel))
        using (var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _withdrawn.Token))
        {
            try
            {
                while (await tunnel.AcceptAsync(either.Token) is { } stream) Serve(stream);
                Log.Closed(_host.Logger, await tunnel.Completion.WaitAsync(cancellationToken));
            }
            catch (OperationCanceledException) when (_withdrawn.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
            {
                // The users that are here finish.
                await users.WaitForIdleAsync(cancellationToken);
            }
        }

        void Serve(Connection stream)
        {
            var user = PayloadLayers.Wrap(stream, default, _config.Transport.UseEncryption ? _key.Value : null, _config.Transport.UseCompression, wireLimit: _limit);
            // What both ends make of a FIN is agreed with servers, and not in here.
            users.RunChild("user", token => _backend.ServeAsync(user, start, RelayEnd.CloseBoth, token));
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "a tunnel of a visitor is open: [{Protocol}] to [{Peer}]")]
        internal static partial void Opened(ILogger logger, string protocol, System.Net.IPEndPoint peer);

        [LoggerMessage(2, LogLevel.Information, "a tunnel of a visitor is over: {Reason}")]
        internal static partial void Closed(ILogger logger, CloseReason reason);

        [LoggerMessage(3, LogLevel.Warning, "no tunnel for a visitor: {Cause}")]
        internal static partial void Failed(ILogger logger, string cause);

        [LoggerMessage(4, LogLevel.Warning, "no tunnel for a visitor: there are {Count} already")]
        internal static partial void NoRoom(ILogger logger, int count);

        [LoggerMessage(5, LogLevel.Debug, "the server was not told what has come of an attempt: {Cause}")]
        internal static partial void Unreported(ILogger logger, string cause);

        [LoggerMessage(6, LogLevel.Error, "fault in {Work}")]
        internal static partial void Fault(ILogger logger, string work, Exception exception);
    }
}
