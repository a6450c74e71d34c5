using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Frp.Wire;

namespace Frp.Transport;

/// <summary>A way through the NATs of two clients: what is sent from this socket to that address arrives, and back.</summary>
/// <param name="Socket">Owned by whoever has the hole; bound, and not connected.</param>
/// <param name="Peer">The other side as it is seen from here.</param>
public sealed record PunchedHole(Socket Socket, IPEndPoint Peer);

/// <summary>Opens a way to a peer that does the same at the same time (wire specification §17.7).</summary>
/// <remarks>
/// <para>Either side sends: the sender so that it arrives, the receiver, perhaps with a TTL that lets its packets die on their way, so that its own NAT lets
/// the sender's packets in. The receiver answers the first that comes; with the answer both know a socket and an address.</para>
/// <para><b>Bounds.</b> Those of <see cref="PunchPlan"/>. Strangers can send what they like: they do not lengthen the wait.</para>
/// </remarks>
public sealed class HolePunch
{
    private const int LowestRandomPort = 1024;
    private const int MostErrors = 64; // of one socket, in a row
    private static readonly TimeSpan GuessPause = TimeSpan.FromMilliseconds(2);
    private static readonly TimeSpan RandomPause = TimeSpan.FromMilliseconds(15);

    private readonly PunchPlan _plan;
    private readonly byte[] _key;
    private readonly TimeProvider _time;
    private readonly List<Socket> _sockets;
    private readonly TaskCompletionSource<PunchedHole> _found = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _isDecided;

    private HolePunch(Socket socket, PunchPlan plan, byte[] key, TimeProvider time) => (_sockets, _plan, _key, _time) = ([socket], plan, key, time);

    /// <summary>Opens the way.</summary>
    /// <param name="socket">The socket whose address the peer was told; of IPv4. Ownership passes to the result, or ends with the failure.</param>
    /// <param name="plan">What to do.</param>
    /// <param name="key">See <see cref="StreamKey"/>; of the proxy's secret.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="TimeoutException">Nothing came from the peer in time.</exception>
    /// <exception cref="IOException">No socket works any more.</exception>
    public static async Task<PunchedHole> RunAsync(Socket socket, PunchPlan plan, byte[] key, TimeProvider time, CancellationToken cancellationToken)
    {
        var punch = new HolePunch(socket, plan, key, time);
        PunchedHole? hole = null;
        try
        {
            if (plan.IsSender) await punch.SendAsync(cancellationToken);
            else await punch.OpenAsync(cancellationToken);
            return hole = await punch.WaitAsync(cancellationToken);
        }
        finally
        {
            foreach (var other in punch._sockets.Where(s => s != hole?.Socket)) other.Dispose();
        }
    }

    private async Task SendAsync(CancellationToken cancellationToken)
    {
        if (_plan.Delay > TimeSpan.Zero) await Task.Delay(_plan.Delay, _time, cancellationToken);
        foreach (var target in _plan.Assisted.Concat(_plan.Candidates)) await SendAsync(_sockets[0], target, cancellationToken);
        await GuessAsync(cancellationToken);
    }

    /// <summary>Opens our NAT. That the packets arrive is not the point, and with a small TTL not wanted.</summary>
    private async Task OpenAsync(CancellationToken cancellationToken)
    {
        for (int i = 0; i < _plan.Listeners && TryBind() is { } more; i++) _sockets.Add(more);
        short[] usual = [.. _sockets.Select(s => s.Ttl)];
        if (_plan.Ttl > 0) SetTtl(_ => (short)_plan.Ttl);
        if (_plan.GuessedPorts.Count == 0)
        {
            foreach (var target in _plan.Candidates)
            {
                foreach (var socket in _sockets) await SendAsync(socket, target, cancellationToken);
            }
        }
        await GuessAsync(cancellationToken);
        if (_plan.Ttl > 0) SetTtl(i => usual[i]);
    }

    private async Task GuessAsync(CancellationToken cancellationToken)
    {
        foreach (var address in _plan.CandidateAddresses)
        {
            foreach (int port in _plan.GuessedPorts)
            {
                var target = new IPEndPoint(address, port);
                foreach (var socket in _sockets) await SendAsync(socket, target, cancellationToken);
                await Task.Delay(GuessPause, _time, cancellationToken);
            }
        }
    }

    private async Task SendRandomAsync(CancellationToken cancellationToken)
    {
        var tried = new HashSet<int>();
        while (tried.Count < _plan.RandomPorts)
        {
            int port = RandomNumberGenerator.GetInt32(LowestRandomPort, ushort.MaxValue);
            if (!tried.Add(port)) continue;
            foreach (var address in _plan.CandidateAddresses) await SendAsync(_sockets[0], new IPEndPoint(address, port), cancellationToken);
            await Task.Delay(RandomPause, _time, cancellationToken);
        }
    }

    private async Task<PunchedHole> WaitAsync(CancellationToken cancellationToken)
    {
        using var deadline = new Deadline(_plan.Wait, _time, cancellationToken);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token);
        List<Task> work = [SendRandomAsync(stop.Token)];
        var listening = _sockets.ConvertAll(s => ListenAsync(s, stop.Token));
        work.AddRange(listening);
        try
        {
            await Task.WhenAny(_found.Task, Task.WhenAll(listening)).WaitAsync(deadline.Token);
            return _found.Task.IsCompleted ? await _found.Task : throw new IOException("no socket receives any more", listening[0].Exception?.InnerException);
        }
        catch (OperationCanceledException) when (deadline.HasPassed)
        {
            throw deadline.Passed("packet of the peer");
        }
        finally
        {
            await stop.CancelAsync();
            await Task.WhenAll(work).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task ListenAsync(Socket socket, CancellationToken cancellationToken)
    {
        var buffer = new byte[DetectionPacket.MaxLength + 1];
        var anybody = new IPEndPoint(IPAddress.Any, 0);
        for (int errors = 0; !_found.Task.IsCompleted;)
        {
            SocketReceiveFromResult received;
            try
            {
                received = await socket.ReceiveFromAsync(buffer, SocketFlags.None, anybody, cancellationToken);
            }
            catch (SocketException) when (++errors < MostErrors)
            {
                continue; // what somebody's machine says of a packet of ours, or a datagram that is too long
            }
            errors = 0;
            if (!DetectionPacket.TryOpen(buffer.AsSpan(0, received.ReceivedBytes), _key, out var packet) || packet.Sid != _plan.Sid) continue;
            if (_plan.IsSender && !packet.Response) continue; // the peer opens its own NAT
            if (Interlocked.Exchange(ref _isDecided, 1) != 0) return;
            var peer = (IPEndPoint)received.RemoteEndPoint;
            if (!packet.Response) await SendAsync(socket, peer, packet with { Response = true }, cancellationToken);
            _found.TrySetResult(new PunchedHole(socket, peer));
            return;
        }
    }

    private Task SendAsync(Socket socket, IPEndPoint target, CancellationToken cancellationToken) =>
        SendAsync(socket, target, DetectionPacket.Question(_plan.TransactionId, _plan.Sid), cancellationToken);

    private async Task SendAsync(Socket socket, IPEndPoint target, NatHoleSid packet, CancellationToken cancellationToken)
    {
        try
        {
            await socket.SendToAsync(DetectionPacket.Seal(packet, _key), SocketFlags.None, target, cancellationToken);
        }
        catch (SocketException)
        {
            // There is no way from here to one of several addresses.
        }
    }

    private void SetTtl(Func<int, short> ttl)
    {
        for (int i = 0; i < _sockets.Count; i++)
        {
            try
            {
                _sockets[i].Ttl = ttl(i);
            }
            catch (SocketException)
            {
                // A system that does not let us: the packets go the whole way.
            }
        }
    }

    private static Socket? TryBind()
    {
        try
        {
            return NatDiscovery.BindSocket();
        }
        catch (IOException)
        {
            return null; // there are no more to be had: fewer are tried
        }
    }
}
