using System.Net.Sockets;

namespace Frp.Transport.Tests;

/// <summary>What lies between the two relays: the middle of a tunnel.</summary>
public enum Middle
{
    Socket,
    Mux,
    MuxWithLayers,
}

/// <summary>user ─ relay ─ middle ─ relay ─ service, as frps and frpc make it.</summary>
internal sealed class Tunnel : IAsyncDisposable
{
    private readonly CancellationTokenSource _cancel = new();
    private readonly List<IAsyncDisposable> _middle = [];

    internal required Socket User { get; init; }

    internal required Socket Service { get; init; }

    internal Task Ended { get; private set; } = Task.CompletedTask;

    internal static async Task<Tunnel> OpenAsync(Middle middle, RelayEnd end, TimeProvider? time = null)
    {
        var (user, a) = await TunnelSockets.PairAsync();
        var (service, d) = await TunnelSockets.PairAsync();
        var tunnel = new Tunnel { User = user, Service = service };
        var (b, c) = await tunnel.MiddleAsync(middle);
        tunnel.Ended = Task.WhenAll(
            Relay.RunAsync(new SocketConnection(a), b, end, time ?? TimeProvider.System, tunnel._cancel.Token),
            Relay.RunAsync(new SocketConnection(d), c, end, time ?? TimeProvider.System, tunnel._cancel.Token));
        return tunnel;
    }

    internal Task CancelAsync() => _cancel.CancelAsync();

    /// <summary>Ends the sessions of the middle, if there are any.</summary>
    internal async Task CutAsync()
    {
        foreach (var part in _middle) await part.DisposeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _cancel.CancelAsync();
        await Ended.WaitAsync(Patience.Limit);
        await CutAsync();
        User.Dispose();
        Service.Dispose();
        _cancel.Dispose();
    }

    private async Task<(Connection, Connection)> MiddleAsync(Middle middle)
    {
        if (middle == Middle.Socket)
        {
            var (near, far) = await TunnelSockets.PairAsync();
            return (new SocketConnection(near), new SocketConnection(far));
        }
        var sessions = await Sessions.OpenAsync();
        _middle.Add(sessions);
        var (ours, theirs) = await sessions.StreamAsync();
        Connection opened = new MuxConnection(ours, null, null), accepted = new MuxConnection(theirs, null, null);
        if (middle == Middle.Mux) return (opened, accepted);
        var key = new byte[16];
        return (PayloadLayers.Wrap(opened, default, key, compress: true), PayloadLayers.Wrap(accepted, default, key, compress: true));
    }
}
