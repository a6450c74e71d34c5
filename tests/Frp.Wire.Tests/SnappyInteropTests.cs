namespace Frp.Wire.Tests;

/// <summary>The compression layer against the implementation that the reference uses.</summary>
public sealed class SnappyInteropTests(GoPeer peer) : IClassFixture<GoPeer>
{
    private static byte[] Data(int length)
    {
        // Text-like, zero and noise by turns.
        var data = SnappyTests.Noise(length, length);
        for (var i = 0; i < length; i++)
        {
            data[i] = (i / 30_000 % 3) switch { 0 => (byte)('a' + data[i] % 4), 1 => 0, _ => data[i] };
        }
        return data;
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(1000, 7)]
    [InlineData(65536, 65536)]
    [InlineData(65537, 65537)]
    [InlineData(400_000, 1400)]
    [InlineData(400_000, 32768)]
    [InlineData(400_000, 400_000)]
    public async Task Go_reads_what_we_write(int length, int write)
    {
        Assert.SkipWhen(peer.Missing is not null, peer.Missing ?? "");
        var data = Data(length);
        var wire = new PieceStream();
        await using (var stream = new SnappyStream(wire)) await stream.WritePiecesAsync(data, write);
        Assert.Equal(data, await peer.RunAsync(wire.Written, "decode"));
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(1000, 7)]
    [InlineData(65537, 65537)]
    [InlineData(400_000, 1400)]
    [InlineData(400_000, 32768)]
    [InlineData(400_000, 400_000)]
    public async Task We_read_what_go_writes(int length, int write)
    {
        Assert.SkipWhen(peer.Missing is not null, peer.Missing ?? "");
        var data = Data(length);
        var wire = await peer.RunAsync(data, "encode", write.ToString());
        foreach (var piece in new[] { 11, 1460, 1_000_000 })
        {
            await using var stream = new SnappyStream(PieceStream.Cut(wire, piece));
            Assert.Equal(data, await stream.ReadAllAsync(50, 70_000, 4096));
        }
    }
}
