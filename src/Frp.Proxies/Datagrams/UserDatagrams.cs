using System.Net;
using System.Net.Sockets;
using Frp.Transport;
using Frp.Wire;
using Microsoft.Extensions.Logging;

namespace Frp.Proxies;

/// <summary>The end of a udp or sudp tunnel that users send to: a bound socket, and the connections that carry its datagrams.</summary>
/// <remarks>
/// <para><b>Full queue.</b> What users send while 1024 datagrams wait is dropped and counted. What comes from the peer waits for the
/// socket, and the peer with it.</para>
/// <para><b>Wake-ups.</b> All that the socket holds is received before anything is sent on, so a burst of datagrams becomes one
/// write. Per datagram nothing is allocated.</para>
/// </remarks>
internal sealed class UserDatagrams
{
    // Leaves the peer something to do meanwhile.
    private const int ReceivedPerWrite = 32;
    // Then others get the thread.
    private const int ReceivedPerTurn = 256;
    private static readonly TimeSpan PauseAfterError = TimeSpan.FromMilliseconds(10);

    private readonly Socket _socket;
    private readonly IMessageCodec _codec;
    private readonly int _datagramSize;
    private readonly TimeProvider _time;
    private readonly DropReport _drops;
    private readonly DatagramOutbox _outbox;

    /// <summary>Prepares the end.</summary>
    /// <param name="socket">Bound. Stays its owner's.</param>
    /// <param name="codec">The framing on the connections.</param>
    /// <param name="datagramSize">Bytes of a datagram that are read; the rest is cut off (wire specification §14.3).</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Told about drops.</param>
    internal UserDatagrams(Socket socket, IMessageCodec codec, int datagramSize, TimeProvider time, ILogger logger)
    {
        (_socket, _codec, _datagramSize, _time) = (socket, codec, datagramSize, time);
        _drops = new DropReport(logger, time);
        _outbox = new DatagramOutbox(codec, time);
    }

    /// <summary>Waits until a user's datagram waits for a connection.</summary>
    internal Task WaitForUserAsync(CancellationToken cancellationToken) => _outbox.WaitForContentAsync(cancellationToken);

    /// <summary>Drops what waits: there is no connection to be had.</summary>
    internal void DropWaiting()
    {
        if (_outbox.Clear() is > 0 and var count) _drops.Count(DropReason.Unreachable, count);
    }

    /// <summary>Receives from users until the socket is closed.</summary>
    internal async Task ReceiveAsync(CancellationToken cancellationToken)
    {
        byte[] buffer = GC.AllocateUninitializedArray<byte>(_datagramSize, pinned: true);
        byte[] json = new byte[SocketAddressJson.MaxLength];
        var from = new SocketAddress(_socket.AddressFamily);
        int unsent = 0, turn = 0;
        while (true)
        {
            try
            {
                var receiving = _socket.ReceiveFromAsync(buffer.AsMemory(), SocketFlags.None, from, cancellationToken);
                if (unsent >= ReceivedPerWrite || (unsent > 0 && !receiving.IsCompleted))
                {
                    unsent = 0;
                    _outbox.Kick();
                }
                if (!receiving.IsCompleted) turn = 0;
                int length = await receiving;
                int addressLength = SocketAddressJson.Write(from, json);
                if (Count(_outbox.Append(buffer.AsSpan(0, length), json.AsSpan(0, addressLength)))) unsent++;
            }
            catch (SocketException) when (!cancellationToken.IsCancellationRequested)
            {
                await Task.Delay(PauseAfterError, _time, cancellationToken);
            }
            if (++turn < ReceivedPerTurn) continue;
            turn = 0;
            await Task.Yield();
        }
    }

    /// <summary>Carries datagrams over a connection until it ends.</summary>
    /// <param name="connection">Ownership passes to the call.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>Why it ended.</returns>
    internal Task<CloseReason> CarryAsync(Connection connection, CancellationToken cancellationToken) =>
        PacketLink.RunUserEndAsync(connection, _outbox, ReadAsync, _time, cancellationToken);

    private async Task ReadAsync(PacketLink.Link link)
    {
        using var reader = new PacketReader(link.Connection.Stream, _codec);
        var to = new SocketAddress(_socket.AddressFamily);
        while (await reader.FillAsync(CancellationToken.None))
        {
            PacketKind kind;
            bool any = false;
            while ((kind = reader.TryTake(out var packet)) != PacketKind.None)
            {
                any = true;
                if (kind == PacketKind.Datagram) await SendAsync(packet, to, link.Ended);
            }
            if (any) link.Touch(); // part of a message is no sign of life
        }
    }

    private async ValueTask SendAsync(Packet packet, SocketAddress to, CancellationToken cancellationToken)
    {
        if (packet.Address.IsEmpty || !SocketAddressJson.TryRead(packet.Address.Span, to))
        {
            _drops.Count(DropReason.NoAddress);
            return;
        }
        try
        {
            await _socket.SendToAsync(packet.Content, SocketFlags.None, to, cancellationToken);
        }
        catch (SocketException)
        {
            _drops.Count(DropReason.Unsendable);
        }
    }

    private bool Count(DatagramOutbox.Outcome outcome)
    {
        if (outcome == DatagramOutbox.Outcome.Queued) return true;
        _drops.Count(outcome == DatagramOutbox.Outcome.Full ? DropReason.QueueFull : DropReason.TooLong);
        return false;
    }
}
