using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Frp.TestKit;

/// <summary>A STUN server on two ports of the loopback, which name each other and tell everybody his own address.</summary>
public sealed class StunServer : IAsyncDisposable
{
    private readonly Socket[] _sockets = [NewSocket(), NewSocket()];
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _serving;

    /// <summary>Starts it.</summary>
    public StunServer() => _serving = Task.WhenAll(ServeAsync(0), ServeAsync(1));

    /// <summary>The first port.</summary>
    public int Port => PortOf(0);

    /// <summary>Whether it says what it sees.</summary>
    public bool TellsMapped { get; init; } = true;

    /// <summary>Whether it names its other address.</summary>
    public bool TellsOther { get; init; } = true;

    /// <summary>Whether it answers with errors.</summary>
    public bool Refuses { get; init; }

    /// <summary>Whether each answer comes behind what is none: other bytes, and an answer to another question.</summary>
    public bool MakesNoise { get; init; }

    /// <summary>Which of its addresses were asked, in order.</summary>
    public ConcurrentQueue<int> Asked { get; } = new();

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _serving.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        foreach (var socket in _sockets) socket.Dispose();
        _stop.Dispose();
    }

    private static Socket NewSocket()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return socket;
    }

    private int PortOf(int index) => ((IPEndPoint)_sockets[index].LocalEndPoint!).Port;

    private async Task ServeAsync(int index)
    {
        await Task.Yield();
        var buffer = new byte[1500];
        while (true)
        {
            var received = await _sockets[index].ReceiveFromAsync(buffer, new IPEndPoint(IPAddress.Any, 0), _stop.Token);
            if (received.ReceivedBytes < 20) continue;
            Asked.Enqueue(index);
            var asker = (IPEndPoint)received.RemoteEndPoint;
            byte[] answer = AnswerTo(buffer, asker, PortOf(1 - index));
            if (MakesNoise)
            {
                await _sockets[index].SendToAsync("noise"u8.ToArray(), asker, _stop.Token);
                byte[] other = [.. answer];
                other[10] ^= 1;
                await _sockets[index].SendToAsync(other, asker, _stop.Token);
            }
            await _sockets[index].SendToAsync(answer, asker, _stop.Token);
        }
    }

    // Layout of an attribute: type(2) length(2) 0 family(1) port(2) address(4).
    private byte[] AnswerTo(byte[] request, IPEndPoint asker, int otherPort)
    {
        List<byte> attributes = [];
        if (TellsMapped && !Refuses)
        {
            byte[] address = asker.Address.GetAddressBytes();
            for (int i = 0; i < 4; i++) address[i] ^= request[4 + i];
            Add(0x0020, asker.Port ^ 0x2112, address);
        }
        if (TellsOther && !Refuses) Add(0x802c, otherPort, [127, 0, 0, 1]);
        byte[] head = [1, (byte)(Refuses ? 0x11 : 0x01), 0, (byte)attributes.Count, .. request.AsSpan(4, 16)];
        return [.. head, .. attributes];

        void Add(ushort type, int port, byte[] address)
        {
            var attribute = new byte[12];
            BinaryPrimitives.WriteUInt16BigEndian(attribute, type);
            (attribute[3], attribute[5]) = (8, 1);
            BinaryPrimitives.WriteUInt16BigEndian(attribute.AsSpan(6), (ushort)port);
            address.CopyTo(attribute, 8);
            attributes.AddRange(attribute);
        }
    }
}
