namespace Kcp.Tests;

/// <summary>What the reference's programs were seen to send.</summary>
public sealed class VectorTests
{
    public static TheoryData<string, string> Sessions() => new(from name in Recorded.Cases from direction in Recorded.Directions select (name, direction));

    [Theory]
    [MemberData(nameof(Sessions))]
    public void Our_encoder_writes_the_same_headers_and_parity(string name, string direction)
    {
        var encoders = new Dictionary<uint, FecEncoder>();
        var parity = new Queue<byte[]>();
        int compared = 0;
        foreach (byte[] datagram in Recorded.Datagrams(name, direction))
        {
            if (Recorded.IsParity(datagram))
            {
                Assert.Equal(datagram, parity.Dequeue());
                compared++;
                continue;
            }
            uint id = Recorded.ConversationOf(datagram);
            // A datagram that came late for a closed conversation has begun another one of the same number there.
            if (FecHeader.NumberOf(datagram) == 0) encoders.Remove(id);
            if (!encoders.TryGetValue(id, out var encoder)) encoders.Add(id, encoder = new FecEncoder());
            byte[] ours = datagram.ToArray();
            ours.AsSpan(0, 8).Clear();
            bool hasParity = encoder.Add(ours, now: 0);
            Assert.Equal(datagram, ours);
            for (int i = 0; hasParity && i < ParityCode.ParityShards; i++)
            {
                byte[] room = new byte[2000];
                parity.Enqueue(room[..encoder.TakeParity(i, room)]);
            }
        }
        Assert.Empty(parity);
        Assert.True(compared >= 3);
    }

    [Theory]
    [MemberData(nameof(Sessions))]
    public void What_was_recorded_becomes_the_stream_that_it_was(string name, string direction)
    {
        var conversations = new Dictionary<uint, Conversation>();
        var payload = new Dictionary<uint, SortedDictionary<uint, byte[]>>();
        foreach (byte[] datagram in Recorded.Datagrams(name, direction))
        {
            if (Recorded.IsParity(datagram)) continue;
            uint id = Recorded.ConversationOf(datagram);
            if (!conversations.TryGetValue(id, out var conversation))
            {
                conversations.Add(id, conversation = new Conversation(id, 0, new KcpOptions()));
                payload.Add(id, []);
                // It acknowledges what the other direction had sent: as much is under way here.
                conversation.Write(new byte[32 * Conversation.SegmentSize], 0);
                conversation.Flush(0, new Collector());
            }
            Assert.True(DatagramReader.TryGetShard(datagram, out var shard));
            byte[] segments = shard[2..].ToArray();
            Assert.True(conversation.IsWhole(segments));
            Assert.True(conversation.Input(segments, isReconstructed: false, 1));
            for (int at = 0; at < segments.Length;)
            {
                var header = SegmentHeader.Read(segments.AsSpan(at));
                byte[] again = new byte[SegmentHeader.Size];
                header.Write(again);
                Assert.Equal(segments[at..(at + SegmentHeader.Size)], again);
                at += SegmentHeader.Size;
                if (header.Command == SegmentCommand.Push) payload[id][header.Number] = segments[at..(at + (int)header.Length)];
                at += (int)header.Length;
            }
        }
        Assert.NotEmpty(conversations);
        foreach (var (id, conversation) in conversations)
        {
            byte[] expected = [.. payload[id].Values.SelectMany(p => p)];
            byte[] stream = new byte[expected.Length + 1];
            Assert.Equal(expected.Length, conversation.IsReadable ? conversation.Read(stream, 2) : 0);
            Assert.Equal(expected, stream[..expected.Length]);
        }
        // The multiplexer's first frame, of either side: a window update.
        if (name == "yamux") Assert.StartsWith("0001", Convert.ToHexString(payload.Values.Single()[0]), StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Sessions))]
    public void Any_three_datagrams_of_a_recorded_group_can_be_missing(string name, string direction)
    {
        // The conversation that got as far as parity; its datagrams alone, in order.
        var all = Recorded.Datagrams(name, direction);
        var data = all.Where(d => !Recorded.IsParity(d)).GroupBy(Recorded.ConversationOf).Single(c => c.Count() >= 10).Take(10).ToList();
        var group = data.Concat(all.Where(Recorded.IsParity).Take(3)).ToList();
        for (int a = 0; a < 10; a++)
        {
            for (int b = a + 1; b < 11; b++)
            {
                for (int c = b + 1; c < 12; c++)
                {
                    int[] missing = [a, b, c];
                    var found = FecTests.Feed(FecTests.AlignedDecoder(), group.Where((_, i) => !missing.Contains(i)));
                    Assert.Equal(missing.Where(i => i < 10).Select(i => Convert.ToHexString(data[i].AsSpan(8))), found);
                }
            }
        }
    }
}
