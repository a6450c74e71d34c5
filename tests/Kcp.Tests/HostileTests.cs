namespace Kcp.Tests;

public sealed class HostileTests
{
    [Fact]
    public void Datagrams_cut_at_every_length_are_survived()
    {
        foreach (byte[] datagram in Recorded.Datagrams("yamux", "c2s").Where(d => !Recorded.IsParity(d)))
        {
            uint id = Recorded.ConversationOf(datagram);
            for (int length = 0; length < datagram.Length; length++)
            {
                var conversation = new Conversation(id, 0, new KcpOptions());
                if (DatagramReader.TryGetShard(datagram.AsSpan(0, length), out _)) Assert.Fail("a cut shard was taken");
                conversation.Input(datagram.AsSpan(Math.Min(8, length), Math.Max(0, length - 8)), false, 0);
            }
        }
    }

    [Fact]
    public void Made_up_segments_neither_grow_anything_nor_break_it()
    {
        for (int seed = 0; seed < 200; seed++)
        {
            var random = new Random(seed);
            var (conversation, output) = (new Conversation(7, 0, new KcpOptions()), new Collector());
            byte[] datagram = new byte[1350], buffer = new byte[5000];
            for (long now = 0; now < 200; now++)
            {
                int at = 0;
                while (at + SegmentHeader.Size <= datagram.Length && random.Next(30) > 0)
                {
                    int length = random.Next(10) == 0 ? random.Next(-5, 5000) : random.Next(0, 100);
                    new SegmentHeader(
                        random.Next(20) == 0 ? 8u : 7u, (SegmentCommand)random.Next(80, 86), (byte)random.Next(3), (ushort)random.Next(3 << random.Next(14)),
                        Any(random), Any(random), Any(random), (uint)length).Write(datagram.AsSpan(at));
                    at = Math.Min(datagram.Length, at + SegmentHeader.Size + Math.Max(0, length));
                }
                conversation.Input(datagram.AsSpan(0, at), random.Next(10) == 0, now);
                if (random.Next(3) == 0) conversation.Write(buffer.AsSpan(0, random.Next(5000)), now);
                if (random.Next(3) == 0 && conversation.IsReadable) Assert.True(conversation.Read(buffer, now) > 0);
                if (conversation.DueAt <= now) conversation.Flush(now, output);
                Assert.True(conversation.DueAt > now);
                Assert.InRange(conversation.Room, 0, 512);
                // Acknowledgements of what has come, a window of segments and one of repeated ones.
                Assert.InRange(output.Take().Sum(d => d.Length), 0, 2 * 128 * 1350 + 4 * 1350);
            }
            conversation.Clear();
        }

        static uint Any(Random random) => random.Next(4) switch
        {
            0 => (uint)random.Next(40),
            1 => (uint)random.Next(2000),
            2 => unchecked((uint)-random.Next(40)),
            _ => (uint)random.NextInt64(uint.MaxValue),
        };
    }

    [Fact]
    public void What_acknowledges_more_than_was_sent_is_not_believed()
    {
        var (conversation, output) = (new Conversation(7, 0, new KcpOptions()), new Collector());
        conversation.Write("hello"u8, 0);
        conversation.Flush(0, output);
        byte[] datagram = new byte[SegmentHeader.Size];
        foreach (uint expected in (uint[])[2, 1000, 0x7fff_ffff, 0x8000_0000, 0xff00_0000])
        {
            new SegmentHeader(7, SegmentCommand.TellWindow, 0, 0, 0, 0, expected, 0).Write(datagram);
            Assert.False(conversation.Input(datagram, false, 1));
            Assert.False(conversation.IsDelivered);
        }
        new SegmentHeader(7, SegmentCommand.TellWindow, 0, 0, 0, 0, 1, 0).Write(datagram);
        Assert.True(conversation.Input(datagram, false, 1));
        Assert.True(conversation.IsDelivered);
    }

    [Fact]
    public void A_segment_longer_than_its_datagram_is_not_taken()
    {
        byte[] datagram = new byte[SegmentHeader.Size + 10];
        foreach (uint length in (uint[])[11, 0x7fff_ffff, 0x8000_0000, uint.MaxValue])
        {
            var conversation = new Conversation(7, 0, new KcpOptions());
            new SegmentHeader(7, SegmentCommand.Push, 0, 10, 0, 0, 0, length).Write(datagram);
            Assert.False(conversation.Input(datagram, false, 0));
            Assert.False(conversation.IsReadable);
        }
    }

    [Fact]
    public void Segments_without_payload_are_skipped()
    {
        var conversation = new Conversation(7, 0, new KcpOptions());
        byte[] datagram = new byte[2 * SegmentHeader.Size + 1];
        new SegmentHeader(7, SegmentCommand.Push, 0, 10, 0, 0, 0, 0).Write(datagram);
        Assert.True(conversation.Input(datagram.AsSpan(0, SegmentHeader.Size), false, 0));
        Assert.False(conversation.IsReadable);
        new SegmentHeader(7, SegmentCommand.Push, 0, 10, 0, 1, 0, 1).Write(datagram);
        Assert.True(conversation.Input(datagram.AsSpan(0, SegmentHeader.Size + 1), false, 0));
        Assert.Equal(1, conversation.Read(new byte[9], 0));
    }

    [Fact]
    public void A_flood_of_segments_makes_no_more_acknowledgements_than_are_kept()
    {
        var (conversation, output) = (new Conversation(7, 0, new KcpOptions()), new Collector());
        byte[] datagram = new byte[SegmentHeader.Size];
        for (int i = 0; i < 100_000; i++)
        {
            new SegmentHeader(7, SegmentCommand.Push, 0, 10, (uint)i, 5, 0, 0).Write(datagram);
            conversation.Input(datagram, false, 0);
        }
        conversation.Flush(0, output);
        Assert.InRange(Collector.Headers(output.Take()).Count, 1, 1024);
    }
}
