using System.Buffers;
using System.Buffers.Text;
using System.Runtime.CompilerServices;

namespace Frp.Wire;

/// <summary>What a payload connection has brought.</summary>
public enum PacketKind
{
    /// <summary>Nothing that is complete.</summary>
    None,
    /// <summary>A <see cref="UDPPacket"/>.</summary>
    Datagram,
    /// <summary>A <see cref="Ping"/>.</summary>
    Ping,
}

/// <summary>A datagram where it was read. Valid until the reader's next call.</summary>
/// <param name="Content">The datagram; may be empty.</param>
/// <param name="Address">The JSON of the user's address, from brace to brace, as the peer wrote it; empty when there is none that could be an address.</param>
public readonly record struct Packet(ReadOnlyMemory<byte> Content, ReadOnlyMemory<byte> Address);

/// <summary>The reading end of a connection that carries the datagrams of udp and sudp: many messages with one read, decoded where they lie.</summary>
/// <remarks>
/// <para><b>Ownership.</b> The stream stays its owner's. Dispose the reader when no read is pending: it gives its buffer back.</para>
/// <para><b>Concurrency.</b> One reader.</para>
/// <para><b>Errors.</b> Any message but the two kinds is a <see cref="ProtocolViolationException"/>; the connection is of no use then.</para>
/// </remarks>
public sealed class PacketReader : IDisposable
{
    // Holds one datagram of the usual size in its frame.
    private const int InitialLength = 2 * 1024;
    private const int MaxReadAhead = 64 * 1024;

    private readonly Stream _stream;
    private readonly IMessageCodec _codec;
    private readonly int _bodyStart;
    private PooledReadBuffer _input = new(InitialLength, MaxReadAhead);
    private int _needed;
    private int _taken;

    /// <summary>Reads from a stream.</summary>
    /// <param name="stream">The payload.</param>
    /// <param name="codec">The framing.</param>
    public PacketReader(Stream stream, IMessageCodec codec)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(codec);
        (_stream, _codec) = (stream, codec);
        (_bodyStart, _needed) = (PacketFrame.BodyStart(codec), codec.HeaderLength);
    }

    /// <summary>Waits for more bytes, once <see cref="TryTake"/> has found nothing complete.</summary>
    /// <returns>False when the peer has ended the stream between two messages.</returns>
    /// <exception cref="ProtocolViolationException">It has ended inside one.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<bool> FillAsync(CancellationToken cancellationToken)
    {
        DropTaken();
        int count = await _stream.ReadAsync(_input.GetRoom(Math.Max(_needed, _input.Length + 1)), cancellationToken);
        if (count == 0) return _input.Length == 0 ? false : throw new ProtocolViolationException("the connection ended inside a message");
        _input.Advance(count);
        return true;
    }

    /// <summary>The next message, if it is there.</summary>
    /// <param name="packet">The datagram, when it is one.</param>
    /// <exception cref="ProtocolViolationException">The bytes are no message, or one that does not belong here.</exception>
    public PacketKind TryTake(out Packet packet)
    {
        packet = default;
        DropTaken();
        var filled = _input.Filled;
        _needed = _codec.HeaderLength;
        if (filled.Length < _needed) return PacketKind.None;
        _needed = _codec.GetFrameLength(filled);
        if (filled.Length < _needed) return PacketKind.None;
        _taken = _needed;
        var type = PacketFrame.TypeOf(_codec, filled);
        if (type.Type == typeof(UDPPacket))
        {
            packet = DecodeInPlace(_input.FilledMemory[_bodyStart.._taken]) ?? DecodeAnyForm(filled[.._taken]);
            return PacketKind.Datagram;
        }
        // Decoded for its errors: half a message is not a sign of life.
        if (type.Type == typeof(Ping) && _codec.Decode(filled[.._taken]) is Ping) return PacketKind.Ping;
        throw new ProtocolViolationException($"{type.Name} among datagrams");
    }

    /// <inheritdoc/>
    public void Dispose() => _input.Release();

    private void DropTaken()
    {
        if (_taken == 0) return;
        _input.Consume(_taken);
        _taken = 0;
    }

    /// <summary>The packet of the usual form, its content decoded over its base64; null for any other form.</summary>
    private static Packet? DecodeInPlace(Memory<byte> json)
    {
        if (!UdpPacketJson.TrySplit(json.Span, out var content, out var address)) return null;
        var remote = json[address];
        if (!remote.IsEmpty && !UdpPacketJson.TrySplitAddress(remote.Span, out _, out _, out _)) return null;
        var base64 = json[content];
        if (base64.IsEmpty) return new Packet(default, remote);
        // From here on there is no other form: what is no base64 now is none at all.
        if (base64.Length % 4 != 0 || Base64.DecodeFromUtf8InPlace(base64.Span, out int length) != OperationStatus.Done)
            throw new ProtocolViolationException("malformed UDPPacket: its content is no base64");
        return new Packet(base64[..length], remote);
    }

    private Packet DecodeAnyForm(ReadOnlySpan<byte> frame)
    {
        var packet = (UDPPacket)_codec.Decode(frame);
        return new Packet(packet.Content, packet.Remote is { } remote ? UdpPacketJson.WriteAddress(remote) : default);
    }
}
