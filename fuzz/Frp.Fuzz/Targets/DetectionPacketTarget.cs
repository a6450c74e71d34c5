using System.Buffers;
using Frp.Transport;
using Frp.Wire;

namespace Frp.Fuzz;

/// <summary>Detection packets of xtcp: the input as a datagram, and as what somebody has encrypted who knows the key.</summary>
internal sealed class DetectionPacketTarget : FuzzTarget
{
    private static readonly byte[] Key = StreamKey.Derive("secret");
    private static readonly byte[] Vector = new byte[CfbEncryptor.BlockLength];

    public override string Name => "detection";

    public override IReadOnlyList<string> Sources => ["Frp.Transport/Traversal/DetectionPacket.cs"];

    public override int MaxLength => DetectionPacket.MaxLength + 16;

    public override IReadOnlyList<string> Words => ["5\0\0\0\0\0\0\0", "5\xff\xff\xff\xff\xff\xff\xff", "{}", "{\"sid\":\"", "\"transaction_id\":\"", "\"response\":true", "\"nonce\":\"000", "\"}", "null"];

    public override void Run(ReadOnlyMemory<byte> input)
    {
        if (DetectionPacket.TryOpen(input.Span, Key, out var chance)) Check(chance);
        var datagram = new byte[Vector.Length + input.Length];
        using (var cipher = new CfbEncryptor(Key, Vector))
        {
            Vector.CopyTo(datagram, 0);
            cipher.Encrypt(input.Span, datagram.AsSpan(Vector.Length));
        }
        bool isRead = DetectionPacket.TryOpen(datagram, Key, out var packet);
        var slow = datagram.Length > DetectionPacket.MaxLength ? null : ReadSlowly(input);
        FindException.Unless(isRead == (slow is not null), isRead ? "a packet that the framing refuses" : "a packet that the framing reads is refused");
        if (!isRead) return;
        FindException.Unless(packet == slow, "two readers differ");
        Check(packet!);
    }

    private static void Check(NatHoleSid packet)
    {
        byte[] written = DetectionPacket.Seal(packet, Key);
        // Escapes can make what is written longer than what was read.
        if (written.Length > DetectionPacket.MaxLength) return;
        FindException.Unless(DetectionPacket.TryOpen(written, Key, out var again) && again == packet, "what was read and written reads as something else");
    }

    private static NatHoleSid? ReadSlowly(ReadOnlyMemory<byte> input)
    {
        try
        {
            var rest = new ReadOnlySequence<byte>(input);
            return V1Codec.Instance.TryRead(ref rest, out var message) ? message as NatHoleSid : null;
        }
        catch (ProtocolViolationException)
        {
            return null;
        }
    }
}
