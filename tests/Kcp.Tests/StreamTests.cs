using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace Kcp.Tests;

/// <summary>Streams over real sockets.</summary>
public sealed class StreamTests : IAsyncDisposable
{
    private static readonly KcpOptions Options = new() { SendWindow = 1024, ReceiveWindow = 1024 };
    private readonly CancellationTokenSource _deadline = new(TimeSpan.FromSeconds(60));
    private readonly KcpListener _listener = new(Bound(IPAddress.Loopback), Options);

    private CancellationToken Soon => _deadline.Token;

    private IPEndPoint Address => (IPEndPoint)_listener.LocalEndPoint;

    public async ValueTask DisposeAsync()
    {
        await _listener.DisposeAsync();
        _deadline.Dispose();
    }

    [Fact]
    public async Task Megabytes_arrive_as_they_were_sent_in_both_directions_at_once()
    {
        await using var client = Dial();
        byte[] up = RandomNumberGenerator.GetBytes(8_000_000), down = RandomNumberGenerator.GetBytes(8_000_000);
        var sending = client.WriteAsync(up, Soon).AsTask();
        await using var server = await AcceptAsync();
        var answering = server.WriteAsync(down, Soon).AsTask();
        byte[] gotUp = new byte[up.Length], gotDown = new byte[down.Length];
        await Task.WhenAll(server.ReadExactlyAsync(gotUp, Soon).AsTask(), client.ReadExactlyAsync(gotDown, Soon).AsTask(), sending, answering);
        Assert.True(up.AsSpan().SequenceEqual(gotUp));
        Assert.True(down.AsSpan().SequenceEqual(gotDown));
        Assert.Equal(client.Id, server.Id);
        Assert.Equal(((IPEndPoint)client.LocalEndPoint!).Port, server.RemoteEndPoint.Port);
    }

    [Fact]
    public async Task Many_conversations_share_the_port()
    {
        var clients = Enumerable.Range(0, 100).Select(_ => Dial()).ToList();
        var serving = ServeAsync();
        await Task.WhenAll(clients.Select(async (client, i) =>
        {
            byte[] message = [.. BitConverter.GetBytes(i), .. new byte[10_000]], answer = new byte[message.Length];
            await client.WriteAsync(message, Soon);
            await client.ReadExactlyAsync(answer, Soon);
            Assert.Equal(message, answer);
        }));
        foreach (var client in clients) await client.DisposeAsync();
        _listener.Stop();
        await serving;

        async Task ServeAsync()
        {
            var echoes = new List<Task>();
            while (await _listener.AcceptAsync(Soon) is { } stream) echoes.Add(EchoAsync(stream));
            await Task.WhenAll(echoes);
        }

        async Task EchoAsync(KcpStream stream)
        {
            await using (stream)
            {
                byte[] message = new byte[10_004];
                await stream.ReadExactlyAsync(message, Soon);
                await stream.WriteAsync(message, Soon);
            }
        }
    }

    [Fact]
    public async Task A_cancelled_read_loses_nothing()
    {
        await using var client = Dial();
        await client.WriteAsync("1"u8.ToArray(), Soon);
        await using var server = await AcceptAsync();
        byte[] buffer = new byte[10];
        Assert.Equal(1, await server.ReadAsync(buffer, Soon));
        for (int i = 0; i < 20; i++)
        {
            using var cancel = new CancellationTokenSource();
            var reading = server.ReadAsync(buffer, cancel.Token).AsTask();
            await cancel.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);
        }
        var empty = server.ReadAsync(Memory<byte>.Empty, Soon);
        await client.WriteAsync("2"u8.ToArray(), Soon);
        Assert.Equal(0, await empty);
        Assert.Equal(1, await server.ReadAsync(buffer, Soon));
        Assert.Equal((byte)'2', buffer[0]);
    }

    [Fact]
    public async Task Disposal_delivers_what_was_written_and_fails_who_waits()
    {
        var client = Dial();
        byte[] message = RandomNumberGenerator.GetBytes(100_000), got = new byte[message.Length];
        await client.WriteAsync(message, Soon);
        var reading = client.ReadAsync(got, Soon).AsTask();
        await using var server = await AcceptAsync();
        var receiving = server.ReadExactlyAsync(got, Soon);
        await client.DisposeAsync();
        await receiving;
        Assert.Equal(message, got);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => reading);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => client.WriteAsync(message, Soon).AsTask());
        Assert.True(client.IsOver);
    }

    [Fact]
    public async Task A_port_where_nobody_is_ends_the_stream()
    {
        var socket = Bound(IPAddress.Loopback);
        var nobody = (IPEndPoint)socket.LocalEndPoint!;
        socket.Dispose();
        await using var client = Dial(nobody);
        await client.WriteAsync("hello"u8.ToArray(), Soon);
        await Assert.ThrowsAsync<IOException>(() => client.ReadAsync(new byte[1], Soon).AsTask());
    }

    [Fact]
    public async Task Writers_wait_for_readers()
    {
        await using var client = Dial();
        var writing = client.WriteAsync(new byte[20_000_000], Soon).AsTask();
        await using var server = await AcceptAsync();
        byte[] buffer = new byte[100_000];
        // Both windows and both queues hold less than a quarter of it.
        for (int total = 0; total < 15_000_000;) total += await server.ReadAsync(buffer, Soon);
        Assert.False(client.IsDelivered && !writing.IsCompleted);
        var reading = ReadOnAsync();
        await writing;
        server.Abort();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => reading);

        async Task ReadOnAsync()
        {
            while (await server.ReadAsync(buffer, Soon) >= 0)
            {
            }
        }
    }

    [Fact]
    public async Task What_does_not_begin_a_conversation_costs_nothing()
    {
        using var stranger = Bound(IPAddress.Loopback);
        var random = new Random(1);
        byte[] datagram = new byte[60];
        foreach (var header in (SegmentHeader[])
        [
            new(1, SegmentCommand.Push, 0, 1, 0, 1, 0, 0), new(1, SegmentCommand.Push, 0, 1, 0, 0, 1, 0), new(1, SegmentCommand.Ack, 0, 1, 0, 0, 0, 0),
            new(1, SegmentCommand.AskWindow, 0, 1, 0, 0, 0, 0), new(1, SegmentCommand.TellWindow, 0, 1, 0, 0, 0, 0), new(1, (SegmentCommand)7, 0, 1, 0, 0, 0, 0),
        ])
        {
            header.Write(datagram);
            await stranger.SendToAsync(datagram, Address, Soon);
        }
        FecHeader.Write(datagram, 3, FecHeader.Parity);
        await stranger.SendToAsync(datagram, Address, Soon);
        for (int length = 0; length < 60; length++)
        {
            random.NextBytes(datagram);
            await stranger.SendToAsync(datagram.AsMemory(0, length), Address, Soon);
        }
        // What comes after them shows that they have been looked at.
        await using var client = Dial();
        await client.WriteAsync("x"u8.ToArray(), Soon);
        await using var server = await AcceptAsync();
        Assert.Equal(1, _listener.Count);
    }

    [Fact]
    public async Task Strangers_beyond_a_number_push_out_strangers_and_nobody_else()
    {
        await using var client = Dial();
        await client.WriteAsync("x"u8.ToArray(), Soon);
        await using var server = await AcceptAsync();
        await server.WriteAsync("y"u8.ToArray(), Soon);
        await client.ReadExactlyAsync(new byte[1], Soon);
        await AcknowledgedAsync(server);

        var strangers = new List<(Socket Socket, KcpStream Accepted)>();
        byte[] opening = new byte[SegmentHeader.Size + 1];
        new SegmentHeader(5, SegmentCommand.Push, 0, 10, 0, 0, 0, 1).Write(opening);
        for (int i = 0; i < KcpListener.MaxUnproven + 10; i++)
        {
            var socket = Bound(IPAddress.Loopback);
            await socket.SendToAsync(opening, Address, Soon);
            strangers.Add((socket, await AcceptAsync()));
        }
        Assert.Equal(10, strangers.Count(s => s.Accepted.IsOver));
        Assert.All(strangers.Take(10), s => Assert.True(s.Accepted.IsOver));
        Assert.False(server.IsOver);
        foreach (var (socket, accepted) in strangers)
        {
            accepted.Abort();
            socket.Dispose();
        }
        Assert.Equal(1, _listener.Count);
    }

    [Fact]
    public async Task Little_is_sent_to_who_has_not_shown_that_he_hears()
    {
        using var stranger = Bound(IPAddress.Loopback);
        byte[] opening = new byte[SegmentHeader.Size + 100], buffer = new byte[2000];
        new SegmentHeader(5, SegmentCommand.Push, 0, 1000, 0, 0, 0, 100).Write(opening);
        await stranger.SendToAsync(opening, Address, Soon);
        var server = await AcceptAsync();
        var writing = server.WriteAsync(new byte[2_000_000], Soon).AsTask();
        // As many as leave at once: what comes later is a datagram a second.
        int received = 0, datagrams = 0;
        using var silence = new CancellationTokenSource(TimeSpan.FromMilliseconds(700));
        try
        {
            while (true)
            {
                received += await stranger.ReceiveAsync(buffer, silence.Token);
                datagrams++;
            }
        }
        catch (OperationCanceledException)
        {
            // Nothing more comes.
        }
        Assert.InRange(received, 1, 4 * 1358 + 3 * opening.Length);
        Assert.InRange(datagrams, 1, 12);
        server.Abort();
        await Assert.ThrowsAnyAsync<Exception>(() => writing);
    }

    [Fact]
    public async Task Another_conversation_replaces_one_whose_peer_is_gone_and_none_that_answers()
    {
        var socket = Bound(IPAddress.Loopback);
        var local = (IPEndPoint)socket.LocalEndPoint!;
        await socket.ConnectAsync(Address, Soon);
        var client = KcpDialer.Dial(socket, Options, id: 1);
        await client.WriteAsync("x"u8.ToArray(), Soon);
        await using var first = await AcceptAsync();
        byte[] buffer = new byte[10];
        await first.WriteAsync("y"u8.ToArray(), Soon);
        await client.ReadExactlyAsync(buffer.AsMemory(0, 1), Soon);
        await AcknowledgedAsync(first);
        // Made up by somebody, for a peer that is there: he is asked, answers, and goes on.
        byte[] opening = new byte[SegmentHeader.Size + 1];
        new SegmentHeader(2, SegmentCommand.Push, 0, 10, 0, 0, 0, 1).Write(opening);
        for (int i = 0; i < 5; i++) socket.Send(opening);
        await client.WriteAsync("z"u8.ToArray(), Soon);
        await first.ReadExactlyAsync(buffer.AsMemory(0, 2), Soon);
        Assert.Equal("xz"u8.ToArray(), buffer[..2]);
        Assert.False(first.IsOver);

        client.Abort();
        await client.DisposeAsync();
        var again = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        again.Bind(local);
        await again.ConnectAsync(Address, Soon);
        await using var other = KcpDialer.Dial(again, Options, id: 3);
        await other.WriteAsync("a"u8.ToArray(), Soon);
        await using var second = await AcceptAsync();
        Assert.Equal(3u, second.Id);
        Assert.True(first.IsOver);
        await Assert.ThrowsAsync<IOException>(() => first.ReadAsync(buffer, Soon).AsTask());
    }

    [Fact]
    public async Task The_end_of_the_listener_ends_its_streams()
    {
        await using var client = Dial();
        await client.WriteAsync("x"u8.ToArray(), Soon);
        await using var server = await AcceptAsync();
        await server.ReadExactlyAsync(new byte[1], Soon);
        var reading = server.ReadAsync(new byte[1], Soon).AsTask();
        _listener.Stop();
        Assert.Null(await _listener.AcceptAsync(Soon));
        Assert.False(reading.IsCompleted);
        await _listener.DisposeAsync();
        await Assert.ThrowsAsync<IOException>(() => reading);
    }

    private async Task AcknowledgedAsync(KcpStream stream)
    {
        while (!stream.IsDelivered)
        {
            Soon.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }

    private static Socket Bound(IPAddress address)
    {
        var socket = new Socket(address.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(address, 0));
        return socket;
    }

    private KcpStream Dial(IPEndPoint? to = null)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Connect(to ?? Address);
        return KcpDialer.Dial(socket, Options);
    }

    private async Task<KcpStream> AcceptAsync() => await _listener.AcceptAsync(Soon) ?? throw new InvalidOperationException("the listener has stopped");
}
