using Kcp;

namespace Frp.Fuzz;

/// <summary>
/// Datagrams of a peer: a length of two bytes before each. The first byte of all chooses whether there is a reader and whether we have sent something. What
/// arrives goes the way that it goes in a stream: header, conversation, error correction, and what that found into the conversation.
/// </summary>
internal sealed class KcpTarget : FuzzTarget
{
    private const uint Id = 0x01020304;
    private const int Window = 64;

    public override string Name => "kcp";

    public override IReadOnlyList<string> Sources =>
    [
        "engines/Kcp/Conversation.Input.cs", "engines/Kcp/Conversation.Flush.cs", "engines/Kcp/DatagramReader.cs", "engines/Kcp/SegmentHeader.cs", "engines/Kcp/ReceiveWindow.cs",
        "engines/Kcp/SendWindow.cs", "engines/Kcp/PendingAcks.cs", "engines/Kcp/Fec/FecDecoder.cs", "engines/Kcp/Fec/FecGroup.cs", "engines/Kcp/Fec/ParityCode.cs",
    ];

    public override int MaxLength => 8192;

    public override IReadOnlyList<string> Words =>
    [
        "\x04\x03\x02\x01\x51\0\x20\0", "\x04\x03\x02\x01\x52\0\x20\0", "\x04\x03\x02\x01\x53\0\0\0", "\x04\x03\x02\x01\x54\0\0\0",
        "\xf1\0\x1a\0", "\xf1\0\x1b\0", "\xf2\0", "\x18\0", "\x19\0", "\x20\0", "\x21\0", "\x01\0\0\0", "\x1f\0\0\0", "\xff\xff\xff\xff",
    ];

    public override void Run(ReadOnlyMemory<byte> input)
    {
        if (input.IsEmpty) return;
        byte mode = input.Span[0];
        var run = new Peer(reads: (mode & 1) != 0, hasSent: (mode & 2) != 0, pause: mode >> 5);
        var rest = input.Span[1..];
        while (rest.Length >= 2)
        {
            int length = Math.Min((rest[0] | rest[1] << 8) & 0x7ff, rest.Length - 2);
            run.Receive(rest.Slice(2, length));
            rest = rest[(2 + length)..];
        }
        run.End();
    }

    private sealed class Peer : IDatagramOutput
    {
        private readonly Conversation _conversation = new(Id, 0, new KcpOptions { SendWindow = Window, ReceiveWindow = Window });
        private readonly FecDecoder _decoder = new();
        private readonly byte[] _buffer = new byte[4096];
        private readonly bool _reads;
        private readonly int _pause;
        private long _now;
        private long _arrived;
        private long _read;

        internal Peer(bool reads, bool hasSent, int pause)
        {
            (_reads, _pause) = (reads, pause * 100);
            if (hasSent) _conversation.Write(new byte[8 * Conversation.SegmentSize], 0);
            _conversation.Flush(0, this);
        }

        internal void Receive(ReadOnlySpan<byte> datagram)
        {
            _now += 1 + _pause;
            // What is shorter a socket does not pass on.
            if (datagram.Length < SegmentHeader.Size) return;
            bool isReadable = DatagramReader.TryGetFirst(datagram, out var first);
            bool wasOurs = false;
            switch (FecHeader.TypeOf(datagram))
            {
                case FecHeader.Data:
                    if (!DatagramReader.TryGetShard(datagram, out var shard)) break;
                    wasOurs = Take(shard[FecHeader.SizeField..], isReconstructed: false);
                    Correct(datagram[..(FecHeader.Size + shard.Length)]);
                    break;
                case FecHeader.Parity:
                    FindException.Unless(!isReadable, "parity has a first segment");
                    Correct(datagram);
                    break;
                default:
                    wasOurs = Take(datagram, isReconstructed: false);
                    break;
            }
            FindException.Unless(!wasOurs || (isReadable && first.Conversation == Id), "segments were taken, of which the first is not ours");
            while (_reads && _conversation.IsReadable)
            {
                int count = _conversation.Read(_buffer, _now);
                FindException.Unless(count > 0, "there is something to read, and nothing is read");
                _read += count;
            }
            if (_conversation.DueAt <= _now) _conversation.Flush(_now, this);
            FindException.Unless(_conversation.DueAt > _now, "something is due at once for ever");
            FindException.Unless(_conversation.Room is >= 0 and <= Window, $"a window of {_conversation.Room}");
            FindException.Unless(_read <= _arrived, "more was read than has arrived");
        }

        internal void End()
        {
            _conversation.Clear();
            _decoder.Clear();
            FindException.Unless(_conversation.IsDelivered && !_conversation.IsReadable, "something is left behind the end");
        }

        public bool Send(Span<byte> datagram)
        {
            FindException.Unless(datagram.Length is >= DatagramPacker.Headroom + SegmentHeader.Size and <= DatagramPacker.Headroom + DatagramPacker.MaxLength, $"a datagram of {datagram.Length} bytes");
            FindException.Unless(AreSegments(datagram[DatagramPacker.Headroom..]), "what is sent is not whole segments");
            return true;
        }

        // What we send acknowledges what has come, so it is not the conversation itself that may judge it.
        private static bool AreSegments(ReadOnlySpan<byte> segments)
        {
            while (segments.Length >= SegmentHeader.Size)
            {
                var header = SegmentHeader.Read(segments);
                if (header.Conversation != Id || header.Fragment != 0 || header.Length > segments.Length - SegmentHeader.Size) return false;
                segments = segments[(SegmentHeader.Size + (int)header.Length)..];
            }
            return segments.IsEmpty;
        }

        private bool Take(ReadOnlySpan<byte> segments, bool isReconstructed)
        {
            _arrived += segments.Length;
            return _conversation.Input(segments, isReconstructed, _now);
        }

        private void Correct(ReadOnlySpan<byte> datagram)
        {
            int found = _decoder.Add(datagram, _now);
            FindException.Unless(found <= ParityCode.ParityShards, "more was found than there is parity");
            for (int i = 0; i < found; i++)
            {
                var segments = _decoder.Result(i);
                FindException.Unless(segments.Length <= DatagramPacker.MaxLength, "a datagram was found that is too long");
                if (_conversation.IsWhole(segments)) Take(segments, isReconstructed: true);
            }
        }
    }
}
