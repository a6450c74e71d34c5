namespace Kcp.Tests;

public sealed class ConversationTests
{
    [Fact]
    public void Every_byte_arrives_once_and_in_order_whatever_the_network_does()
    {
        for (int seed = 0; seed < 60; seed++)
        {
            var random = new Random(seed);
            var faults = new Faults(random.NextDouble() * 0.3, random.NextDouble() * 0.2, random.NextDouble() * 0.5, random.Next(0, 150), seed % 2 == 0);
            var network = new Network(seed, faults);
            foreach (int i in (int[])[0, 1])
            {
                network[i].ToSend = new byte[random.Next(300_000)];
                random.NextBytes(network[i].ToSend);
            }
            network.Run(until: 10 * 60_000, () => network[0].IsDone && network[1].IsDone && network[0].Received.Count == network[1].ToSend.Length && network[1].Received.Count == network[0].ToSend.Length);
            Assert.Equal(network[0].ToSend, network[1].Received);
            Assert.Equal(network[1].ToSend, network[0].Received);
        }
    }

    [Fact]
    public void A_lossless_network_carries_nothing_twice()
    {
        var network = new Network(1, new Faults());
        network[0].ToSend = new byte[Conversation.SegmentSize * 100];
        network.Run(60_000, () => network[0].IsDone);
        // 100 segments, perhaps some short ones between writes, their parity, and few acknowledgements with theirs.
        Assert.InRange(network.Carried, 100, 200);
        Assert.Equal(0, network.Reconstructed);
    }

    [Fact]
    public void Parity_saves_waiting()
    {
        long[] time = [0, 0];
        foreach (bool corrects in (bool[])[false, true])
        {
            for (int seed = 0; seed < 20; seed++)
            {
                var network = new Network(seed, new Faults(Loss: 0.05, Delay: 100, Corrects: corrects));
                network[1].ToSend = new byte[400_000];
                network.Run(600_000, () => network[1].IsDone);
                Assert.Equal(corrects, network.Reconstructed > 0);
                time[corrects ? 1 : 0] += network.Now;
            }
        }
        Assert.True(time[1] < time[0], $"{time[1]} ms with parity, {time[0]} ms without");
    }

    [Fact]
    public void A_reader_that_stops_stops_the_sender_and_lets_it_go_on()
    {
        for (int seed = 0; seed < 20; seed++)
        {
            var network = new Network(seed, new Faults(Loss: seed % 2 * 0.2));
            network[0].ToSend = new byte[3_000_000];
            new Random(seed).NextBytes(network[0].ToSend);
            network[1].Reads = false;
            network.Run(600_000, () => network[1].Conversation.Room == 0 && network.Now > 5_000);
            Assert.Empty(network[1].Received);
            long stopped = network.Now;
            network.Run(600_000, () => network.Now > stopped + 100_000);
            Assert.Equal(0, network[1].Conversation.Room);
            network[1].Reads = true;
            network.Run(stopped + 2_000_000, () => network[0].IsDone && network[1].Received.Count == network[0].ToSend.Length);
            Assert.Equal(network[0].ToSend, network[1].Received);
        }
    }

    [Fact]
    public void A_stranger_pins_no_more_than_the_first_window()
    {
        var conversation = new Conversation(7, 0, new KcpOptions { ReceiveWindow = 1024 });
        byte[] datagram = new byte[SegmentHeader.Size + 100];
        for (uint number = 2000; number > 0; number--)
        {
            new SegmentHeader(7, SegmentCommand.Push, 0, 10, 0, number, 0, 100).Write(datagram);
            Assert.True(conversation.Input(datagram, false, 0));
        }
        Assert.False(conversation.IsReadable);
        Assert.Equal(32, conversation.Room);
        new SegmentHeader(7, SegmentCommand.Push, 0, 10, 0, 0, 0, 100).Write(datagram);
        conversation.Input(datagram, false, 0);
        Assert.Equal(0, conversation.Room);
        Assert.Equal(32 * 100, conversation.Read(new byte[10_000], 0));
        Assert.Equal(64, conversation.Room);
    }

    [Fact]
    public void The_first_bytes_leave_at_once_and_small_ones_behind_them_wait_for_company()
    {
        var (conversation, output) = (new Conversation(7, 1000, new KcpOptions()), new Collector());
        conversation.Write("hello"u8, 0);
        Assert.True(conversation.DueAt <= 0);
        conversation.Flush(0, output);
        var header = Assert.Single(Collector.Headers(output.Take()));
        Assert.Equal(new SegmentHeader(7, SegmentCommand.Push, 0, 32, 1000, 0, 0, 5), header);

        conversation.Write("a"u8, 1);
        conversation.Write("b"u8, 2);
        Assert.Equal(21, conversation.DueAt);
        conversation.Flush(5, output);
        Assert.Empty(output.Take());
        conversation.Flush(21, output);
        Assert.Equal(2u, Assert.Single(Collector.Headers(output.Take())).Length);
    }

    [Fact]
    public void What_is_not_acknowledged_is_sent_again_later_each_time()
    {
        var (conversation, output) = (new Conversation(7, 0, new KcpOptions()), new Collector());
        conversation.Write("hello"u8, 0);
        var times = new List<long>();
        for (long now = 0; now < 100_000; now = conversation.DueAt)
        {
            conversation.Flush(now, output);
            if (output.Take().Count > 0) times.Add(now);
        }
        Assert.Equal([0, 200, 500, 900, 1400], times[..5]);
        Assert.True(conversation.SendsOfFirst > 20);
    }

    [Fact]
    public void A_segment_that_two_acknowledgements_have_passed_is_sent_again_at_once()
    {
        var (conversation, output) = (new Conversation(7, 0, new KcpOptions()), new Collector());
        conversation.Write(new byte[5 * Conversation.SegmentSize], 0);
        conversation.Flush(0, output);
        output.Take();
        byte[] acks = new byte[2 * SegmentHeader.Size];
        new SegmentHeader(7, SegmentCommand.Ack, 0, 100, 0, 1, 0, 0).Write(acks);
        new SegmentHeader(7, SegmentCommand.Ack, 0, 100, 0, 2, 0, 0).Write(acks.AsSpan(SegmentHeader.Size));
        Assert.True(conversation.Input(acks, false, 30));
        Assert.True(conversation.DueAt <= 30);
        conversation.Flush(30, output);
        Assert.Equal([0u], Collector.Headers(output.Take()).Select(h => h.Number));
    }

    [Fact]
    public void A_socket_that_is_full_is_tried_again()
    {
        var (conversation, output) = (new Conversation(7, 0, new KcpOptions()), new Collector { IsBlocked = true });
        conversation.Write(new byte[20 * Conversation.SegmentSize], 0);
        conversation.Flush(0, output);
        Assert.InRange(conversation.DueAt, 1, 10);
        output.IsBlocked = false;
        conversation.Flush(conversation.DueAt, output);
        Assert.InRange(output.Take().Count, 18, 20);
    }

    [Fact]
    public void Only_who_hears_us_proves_it()
    {
        var (conversation, output) = (new Conversation(7, 0x1234_5678, new KcpOptions()), new Collector());
        conversation.Write("hello"u8, 0);
        conversation.Flush(0, output);
        byte[] ack = new byte[SegmentHeader.Size];
        foreach (uint guess in (uint[])[0, 0x1234_5677, 0x1234_5678 + 11])
        {
            var copy = new Conversation(7, 0x1234_5678, new KcpOptions());
            copy.Write("hello"u8, 0);
            copy.Flush(0, output);
            new SegmentHeader(7, SegmentCommand.Ack, 0, 100, guess, 0, 1, 0).Write(ack);
            Assert.True(copy.Input(ack, false, 10));
            Assert.False(copy.IsProven);
        }
        new SegmentHeader(7, SegmentCommand.Ack, 0, 100, 0x1234_5678, 0, 1, 0).Write(ack);
        Assert.True(conversation.Input(ack, false, 10));
        Assert.True(conversation.IsProven);
    }
}
