namespace Yamux.Tests.Net;

/// <summary>A frame as the wire had it.</summary>
internal sealed record RawFrame(FrameType Type, FrameFlags Flags, uint Id, uint Length, byte[] Payload)
{
    public override string ToString() => $"{Type}{(Flags == FrameFlags.None ? "" : "|" + Flags)} id={Id} length={Length}";
}

/// <summary>A peer without an engine: writes the bytes it is told to, and reads frames.</summary>
internal sealed class RawPeer(Stream carrier) : IAsyncDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);
    private uint _barrier = 0x70000000;

    public Stream Carrier => carrier;

    public Task SendAsync(string hex) => carrier.WriteAsync(Convert.FromHexString(hex)).AsTask().WaitAsync(Deadline);

    public Task SendAsync(FrameType type, FrameFlags flags, uint id, uint length, ReadOnlySpan<byte> payload = default)
    {
        byte[] bytes = new byte[FrameHeader.Size + payload.Length];
        new FrameHeader(type, flags, id, length).Write(bytes);
        payload.CopyTo(bytes.AsSpan(FrameHeader.Size));
        return carrier.WriteAsync(bytes).AsTask().WaitAsync(Deadline);
    }

    public Task SendDataAsync(uint id, ReadOnlySpan<byte> payload, FrameFlags flags = FrameFlags.None) =>
        SendAsync(FrameType.Data, flags, id, (uint)payload.Length, payload);

    /// <summary>The next frame; null at the carrier's end.</summary>
    public async Task<RawFrame?> ReadAsync()
    {
        byte[] head = new byte[FrameHeader.Size];
        int count = await carrier.ReadAtLeastAsync(head, head.Length, throwOnEndOfStream: false).AsTask().WaitAsync(Deadline);
        if (count < head.Length) return null;
        Assert.True(FrameHeader.TryRead(head, out FrameHeader header));
        byte[] payload = header.Type == FrameType.Data ? new byte[header.Length] : [];
        await carrier.ReadExactlyAsync(payload).AsTask().WaitAsync(Deadline);
        return new RawFrame(header.Type, header.Flags, header.StreamId, header.Length, payload);
    }

    /// <summary>The next frame, which must be this one.</summary>
    public async Task ExpectAsync(FrameType type, FrameFlags flags, uint id, uint length)
    {
        RawFrame? frame = await ReadAsync();
        Assert.NotNull(frame);
        Assert.Equal((type, flags, id, length), (frame.Type, frame.Flags, frame.Id, frame.Length));
    }

    /// <summary>All frames until everything sent so far has been handled: a ping comes back behind them.</summary>
    public async Task<List<RawFrame>> BarrierAsync()
    {
        uint value = ++_barrier;
        await SendAsync(FrameType.Ping, FrameFlags.Syn, 0, value);
        var frames = new List<RawFrame>();
        while (true)
        {
            RawFrame? frame = await ReadAsync();
            Assert.NotNull(frame);
            if (frame.Type == FrameType.Ping && frame.Flags == FrameFlags.Ack && frame.Length == value) return frames;
            frames.Add(frame);
        }
    }

    /// <summary>All frames until the carrier's end.</summary>
    public async Task<List<RawFrame>> ReadToEndAsync()
    {
        var frames = new List<RawFrame>();
        while (await ReadAsync() is { } frame) frames.Add(frame);
        return frames;
    }

    public ValueTask DisposeAsync() => carrier.DisposeAsync();
}
