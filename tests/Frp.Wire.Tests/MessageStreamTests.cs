using CsCheck;

namespace Frp.Wire.Tests;

public sealed class MessageStreamTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Any_division_gives_the_same_messages_and_surplus() =>
        await Gen.Select(Gens.Message.List[1, 4], Gens.Bytes, Gens.Lengths).SampleAsync(async (messages, payload, lengths) =>
        {
            foreach (var codec in new IMessageCodec[] { V1Codec.Instance, V2Codec.Bootstrap })
            {
                var bytes = codec.Encode(messages);
                await using var stream = new MessageStream(PieceStream.Cut([.. bytes, .. payload], lengths), codec);
                var read = new List<Message>();
                for (var i = 0; i < messages.Count; i++) read.Add(await stream.ReadAsync(Token));
                Assert.Equal(bytes, codec.Encode(read));
                var rest = await PrefixedStream.Wrap(stream.Stream, stream.TakeSurplus()).ReadAllAsync(7, 100);
                Assert.Equal(payload, rest);
            }
        }, iter: 300);

    [Fact]
    public async Task Payload_glued_to_the_last_message_is_surplus()
    {
        var inner = new PieceStream([[.. V1Codec.Instance.Encode(new StartWorkConn { ProxyName = "p" }), 1, 2, 3]]);
        await using var stream = new MessageStream(inner, V1Codec.Instance);
        Assert.Equal("p", (await stream.ReadAsync<StartWorkConn>(Token)).ProxyName);
        Assert.Equal([1, 2, 3], stream.TakeSurplus().ToArray());
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await stream.ReadAsync(Token));
    }

    [Fact]
    public async Task The_end_between_messages_is_an_end_and_inside_one_a_violation()
    {
        var frame = V1Codec.Instance.Encode(new Pong { Error = "x" });
        for (var length = 0; length <= frame.Length; length++)
        {
            await using var stream = new MessageStream(PieceStream.Cut(frame[..length]), V1Codec.Instance);
            if (length == frame.Length) await stream.ReadAsync(Token);
            if (length is 0 || length == frame.Length) await Assert.ThrowsAsync<EndOfStreamException>(async () => await stream.ReadAsync(Token));
            else await Assert.ThrowsAsync<ProtocolViolationException>(async () => await stream.ReadAsync(Token));
        }
    }

    [Fact]
    public async Task An_announced_giant_is_refused_before_anything_is_allocated()
    {
        var head = Convert.FromHexString("6f000000007fffffff");
        var codec = V1Codec.Instance;
        await using (var warm = new MessageStream(new MemoryStream(head), codec))
            await Assert.ThrowsAsync<ProtocolViolationException>(async () => await warm.ReadAsync(Token));
        var inner = new MemoryStream(head);
        var before = GC.GetAllocatedBytesForCurrentThread();
        await using var stream = new MessageStream(inner, codec);
        await Assert.ThrowsAsync<ProtocolViolationException>(async () => await stream.ReadAsync(Token));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 64 * 1024);
    }

    [Fact]
    public async Task Another_message_than_the_expected_one_is_a_violation()
    {
        await using var stream = new MessageStream(PieceStream.Cut(V1Codec.Instance.Encode(new Ping())), V1Codec.Instance);
        var e = await Assert.ThrowsAsync<ProtocolViolationException>(async () => await stream.ReadAsync<StartWorkConn>(Token));
        Assert.Equal("Ping where StartWorkConn was expected", e.Message);
    }

    [Fact]
    public async Task What_is_buffered_can_be_had_without_waiting()
    {
        var frame = V1Codec.Instance.Encode(new Ping());
        await using var stream = new MessageStream(new PieceStream([[.. frame, .. frame, 0x68]]), V1Codec.Instance);
        Assert.Null(stream.TryRead());
        await stream.ReadAsync(Token);
        Assert.Equal(new Ping(), stream.TryRead());
        Assert.Null(stream.TryRead());
        Assert.Equal([0x68], stream.TakeSurplus().ToArray());
    }

    [Fact]
    public async Task A_message_and_a_batch_are_one_write_and_one_flush_each()
    {
        var inner = new PieceStream();
        await using var stream = new MessageStream(inner, V2Codec.Session);
        await stream.WriteAsync(new Ping(), Token);
        Assert.Single(inner.Writes);
        Assert.Equal(1, inner.Flushes);
        Message[] batch = [new Ping(), new CloseProxy { ProxyName = "a" }, new NewProxy { ProxyName = "b" }];
        await stream.WriteAsync(batch, Token);
        Assert.Equal(2, inner.Writes.Count);
        Assert.Equal(2, inner.Flushes);
        Assert.Equal(V2Codec.Session.Encode(batch), inner.Writes[1]);
    }

    [Fact]
    public async Task A_large_batch_is_sent_in_bounded_writes()
    {
        var inner = new PieceStream();
        await using var stream = new MessageStream(inner, V2Codec.Session);
        var batch = Enumerable.Range(0, 40).Select(i => (Message)new CloseProxy { ProxyName = new string((char)('a' + i % 26), 10_000) }).ToList();
        await stream.WriteAsync(batch, Token);
        Assert.Equal(V2Codec.Session.Encode(batch), inner.Written);
        Assert.All(inner.Writes, w => Assert.InRange(w.Length, 1, 64 * 1024 + V2Codec.Session.MaxMessageLength));
        Assert.InRange(inner.Writes.Count, 2, 10);
    }

    [Fact]
    public async Task A_message_that_is_too_long_sends_nothing_and_breaks_nothing()
    {
        var inner = new PieceStream();
        await using var stream = new MessageStream(inner, V1Codec.Instance);
        await Assert.ThrowsAsync<MessageTooLongException>(async () => await stream.WriteAsync(new CloseProxy { ProxyName = new string('a', 20_000) }, Token));
        Assert.Empty(inner.Writes);
        await stream.WriteAsync(new Ping(), Token);
        Assert.Equal(V1Codec.Instance.Encode(new Ping()), inner.Written);
    }

    [Fact]
    public async Task The_stream_is_disposed_only_when_owned()
    {
        var borrowed = new PieceStream();
        await new MessageStream(borrowed, V1Codec.Instance).DisposeAsync();
        Assert.False(borrowed.IsDisposed);
        var owned = new PieceStream();
        await new MessageStream(owned, V1Codec.Instance, ownsStream: true).DisposeAsync();
        Assert.True(owned.IsDisposed);
    }

    [Theory]
    [InlineData("", null)]
    [InlineData("46", null)]
    [InlineData("46525000020d", null)]
    [InlineData("46525000020d0a", WireVersion.V2)]
    [InlineData("46525000020d0a0001", WireVersion.V2)]
    [InlineData("6f", WireVersion.V1)]
    [InlineData("4653", WireVersion.V1)]
    [InlineData("46525000030d0a", WireVersion.V1)]
    [InlineData("46525000020a0a", WireVersion.V1)]
    public void The_version_shows_as_early_as_it_can(string hex, WireVersion? version) =>
        Assert.Equal(version, WireMagic.Detect(Convert.FromHexString(hex)));
}
