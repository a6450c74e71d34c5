namespace Frp.Wire.Tests;

/// <summary>What the layers have in common: waiting, failing, ending, allocating.</summary>
public sealed class LayerStreamTests
{
    private static readonly byte[] Key = new byte[16];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<string> Layers() => ["cfb", "snappy", "aead", "both"];

    private static Stream Wrap(string layer, Stream inner, bool isServer = false) => layer switch
    {
        "cfb" => new CfbStream(inner, Key),
        "snappy" => new SnappyStream(inner),
        "aead" => new AeadStream(inner, Keys, isServer),
        "both" => new SnappyStream(new CfbStream(inner, Key)),
        _ => throw new ArgumentOutOfRangeException(nameof(layer)),
    };

    private static readonly ControlKeys Keys = DeriveKeys();

    private static ControlKeys DeriveKeys()
    {
        var client = HelloNegotiation.CreateClientHello(new HelloBootstrap());
        HelloNegotiation.TryAnswer(client, out var server, out var cipher);
        return ControlKeys.Derive("token"u8, cipher, client, server);
    }

    private static async Task<int> ReadOneAsync(Stream stream) => await stream.ReadAsync(new byte[1], Token);

    private static async Task<byte[]> EncodeAsync(string layer, params byte[][] writes)
    {
        var inner = new PieceStream();
        await using var stream = Wrap(layer, inner);
        foreach (var write in writes) await stream.WriteAsync(write, Token);
        return inner.Written;
    }

    [Theory]
    [MemberData(nameof(Layers))]
    public async Task A_zero_byte_read_goes_down_while_nothing_is_decoded(string layer)
    {
        var inner = new PieceStream([await EncodeAsync(layer, [1, 2, 3])]);
        await using var stream = Wrap(layer, inner, isServer: true);
        Assert.Equal(0, await stream.ReadAsync(Memory<byte>.Empty, Token));
        Assert.Equal(1, inner.Reads);
        var buffer = new byte[2];
        Assert.Equal(2, await stream.ReadAsync(buffer, Token));
        var reads = inner.Reads;
        Assert.Equal(0, await stream.ReadAsync(Memory<byte>.Empty, Token));
        if (layer != "cfb") Assert.Equal(reads, inner.Reads);
        Assert.Equal(1, await stream.ReadAsync(buffer, Token));
        Assert.Equal(3, buffer[0]);
        Assert.Equal(0, await stream.ReadAsync(buffer, Token));
    }

    [Theory]
    [InlineData("snappy")]
    [InlineData("aead")]
    [InlineData("both")]
    public async Task A_zero_byte_read_does_not_wait_while_a_whole_piece_is_at_hand(string layer)
    {
        var inner = new PieceStream([await EncodeAsync(layer, [1], [2])]);
        await using var stream = Wrap(layer, inner, isServer: true);
        var buffer = new byte[1];
        Assert.Equal(1, await stream.ReadAsync(buffer, Token));
        var reads = inner.Reads;
        Assert.Equal(0, await stream.ReadAsync(Memory<byte>.Empty, Token));
        Assert.Equal(reads, inner.Reads);
        Assert.Equal(1, await stream.ReadAsync(buffer, Token));
        Assert.Equal(2, buffer[0]);
    }

    [Theory]
    [MemberData(nameof(Layers))]
    public async Task After_a_failed_write_nothing_more_is_sent(string layer)
    {
        var inner = new PieceStream();
        await using var stream = Wrap(layer, inner);
        inner.WriteFailure = new IOException("gone");
        await Assert.ThrowsAsync<IOException>(async () => await stream.WriteAsync(new byte[3], Token));
        inner.WriteFailure = null;
        await Assert.ThrowsAsync<IOException>(async () => await stream.WriteAsync(new byte[3], Token));
        Assert.Empty(inner.Writes);
    }

    [Theory]
    [MemberData(nameof(Layers))]
    public async Task Disposal_goes_down_and_ends_the_layer(string layer)
    {
        var inner = new PieceStream([await EncodeAsync(layer, [1, 2, 3])]);
        var stream = Wrap(layer, inner, isServer: true);
        Assert.Equal(1, await stream.ReadAsync(new byte[1], Token));
        await stream.WriteAsync(new byte[1], Token);
        await stream.FlushAsync(Token);
        Assert.Equal(1, inner.Flushes);
        await stream.DisposeAsync();
        await stream.DisposeAsync();
        Assert.True(inner.IsDisposed);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => ReadOneAsync(stream));
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await stream.WriteAsync(new byte[1], Token));
    }

    [Theory]
    [MemberData(nameof(Layers))]
    public async Task Disposal_during_a_read_leaves_the_reader_s_memory_alone_until_it_is_out(string layer)
    {
        var wire = await EncodeAsync(layer, [1, 2, 3]);
        var inner = new HeldStream();
        var stream = Wrap(layer, inner, isServer: true);
        var buffer = new byte[10];
        var read = stream.ReadAsync(buffer, Token).AsTask();
        await Assert.ThrowsAsync<InvalidOperationException>(() => ReadOneAsync(stream));
        await stream.DisposeAsync();
        inner.Deliver(wire);
        Assert.Equal(3, await read.WaitAsync(TimeSpan.FromSeconds(30), Token));
        Assert.Equal([1, 2, 3], buffer[..3]);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => ReadOneAsync(stream));
    }

    [Theory]
    [MemberData(nameof(Layers))]
    public async Task Blocking_calls_are_refused(string layer)
    {
        await using var stream = Wrap(layer, new PieceStream());
        Assert.Throws<NotSupportedException>(() => stream.Read(new byte[1], 0, 1));
        Assert.Throws<NotSupportedException>(() => stream.Write(new byte[1], 0, 1));
    }

    [Theory]
    [MemberData(nameof(Layers))]
    public async Task Steady_traffic_allocates_nothing_of_the_data_s_size(string layer)
    {
        var pipe = new LoopStream();
        await using var sender = Wrap(layer, pipe);
        await using var receiver = Wrap(layer, pipe, isServer: true);
        var data = SnappyTests.Noise(8000, 1);
        data.AsSpan(4000).Clear();
        var buffer = new byte[8000];
        async Task RoundAsync(int count)
        {
            for (var i = 0; i < count; i++)
            {
                await sender.WriteAsync(data, Token);
                for (var got = 0; got < data.Length;) got += await receiver.ReadAsync(buffer, Token);
            }
        }
        await RoundAsync(200);
        var before = GC.GetAllocatedBytesForCurrentThread();
        await RoundAsync(1000);
        var perRound = (GC.GetAllocatedBytesForCurrentThread() - before) / 1000;
        // Debug builds have state machines, and the block compressor makes small objects; nothing is of the data's size.
        Assert.InRange(perRound, 0, 1024);
    }

    /// <summary>One read that waits until it is told what came.</summary>
    private sealed class HeldStream : MemoryStream
    {
        private readonly TaskCompletionSource<byte[]> _delivery = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private byte[]? _rest;

        internal void Deliver(byte[] data) => _delivery.SetResult(data);

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            _rest ??= await _delivery.Task.WaitAsync(cancellationToken);
            var count = Math.Min(buffer.Length, _rest.Length);
            _rest.AsSpan(0, count).CopyTo(buffer.Span);
            _rest = _rest[count..];
            return count;
        }
    }

    /// <summary>What was written can be read, synchronously and without allocation.</summary>
    private sealed class LoopStream : MemoryStream
    {
        private readonly byte[] _data = new byte[64 * 1024];
        private int _start;
        private int _end;

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            var count = Math.Min(buffer.Length, _end - _start);
            _data.AsSpan(_start, count).CopyTo(buffer.Span);
            _start += count;
            if (_start == _end) _start = _end = 0;
            return new(count);
        }

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            buffer.Span.CopyTo(_data.AsSpan(_end));
            _end += buffer.Length;
            return default;
        }
    }
}
