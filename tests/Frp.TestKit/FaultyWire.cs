using System.Net;
using System.Net.Sockets;

namespace Frp.TestKit;

/// <summary>A stretch of network between a client and a port on loopback, with the faults that networks have.</summary>
/// <remarks>
/// <para>A connection is whole, held (nothing moves, nothing is lost), swallowed (bytes vanish, both sockets stay open) or cut.
/// Swallowing is for good: bytes are missing. New connections are whole, whatever happened to older ones, unless told otherwise.</para>
/// </remarks>
public sealed class FaultyWire : IAsyncDisposable
{
    private readonly int _target;
    private readonly Lock _lock = new();
    private readonly HashSet<Pair> _pairs = [];
    private readonly TcpService _service;
    private bool _swallowNew;

    /// <summary>Lays the wire.</summary>
    /// <param name="target">The port at its other end.</param>
    public FaultyWire(int target)
    {
        _target = target;
        _service = TcpService.Start(ServeAsync);
    }

    /// <summary>The port at this end.</summary>
    public int Port => _service.Port;

    /// <summary>Bytes of the connections that are open now vanish from here on, and those of new ones too where that is wanted.</summary>
    public void Swallow(bool newOnes)
    {
        lock (_lock)
        {
            _swallowNew = newOnes;
            foreach (var pair in _pairs) pair.Swallowed = true;
        }
    }

    /// <summary>New connections are whole again.</summary>
    public void Mend()
    {
        lock (_lock) _swallowNew = false;
    }

    /// <summary>Nothing moves on the connections that are open now, until <see cref="Release"/>.</summary>
    public void Hold()
    {
        lock (_lock)
        {
            foreach (var pair in _pairs) pair.Gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    /// <summary>What was held moves on.</summary>
    public void Release()
    {
        lock (_lock)
        {
            foreach (var pair in _pairs) pair.Gate?.TrySetResult();
        }
    }

    /// <summary>Says something to the clients of the connections that are open now, as if the server had said it. In between what it says: when it says nothing.</summary>
    public async Task SayAsync(byte[] bytes)
    {
        Pair[] pairs;
        lock (_lock) pairs = [.. _pairs];
        foreach (var pair in pairs) await pair.Near.SendAllAsync(bytes);
    }

    /// <summary>Closes the connections that are open now.</summary>
    public void Cut()
    {
        lock (_lock)
        {
            foreach (var pair in _pairs) pair.Close();
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        Release();
        Cut();
        await _service.DisposeAsync();
    }

    private async Task ServeAsync(Socket near)
    {
        using var far = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        near.NoDelay = true;
        await far.ConnectAsync(IPAddress.Loopback, _target);
        var pair = new Pair(near, far);
        lock (_lock)
        {
            pair.Swallowed = _swallowNew;
            _pairs.Add(pair);
        }
        try
        {
            await Task.WhenAll(CopyAsync(near, far, pair), CopyAsync(far, near, pair));
        }
        finally
        {
            lock (_lock) _pairs.Remove(pair);
        }
    }

    private static async Task CopyAsync(Socket from, Socket to, Pair pair)
    {
        var buffer = new byte[64 * 1024];
        try
        {
            while (await from.ReceiveAsync(buffer.AsMemory()) is var count and > 0)
            {
                if (pair.Gate is { } gate) await gate.Task;
                if (!pair.Swallowed) await to.SendAllAsync(buffer.AsMemory(0, count));
            }
            if (!pair.Swallowed) to.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            if (!pair.Swallowed) pair.Close();
        }
    }

    private sealed class Pair(Socket near, Socket far)
    {
        private volatile bool _swallowed;
        private volatile TaskCompletionSource? _gate;

        internal Socket Near => near;

        internal bool Swallowed { get => _swallowed; set => _swallowed = value; }

        internal TaskCompletionSource? Gate { get => _gate; set => _gate = value; }

        internal void Close()
        {
            near.Dispose();
            far.Dispose();
        }
    }
}
