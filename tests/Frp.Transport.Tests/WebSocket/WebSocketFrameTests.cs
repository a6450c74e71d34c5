using CsCheck;

namespace Frp.Transport.Tests;

public class WebSocketFrameTests
{
    [Theory]
    [InlineData(0, 2)]
    [InlineData(125, 2)]
    [InlineData(126, 4)]
    [InlineData(65535, 4)]
    [InlineData(65536, 10)]
    [InlineData(long.MaxValue, 10)]
    public void Heads_are_written_shortest_and_read_back(long length, int size)
    {
        foreach (uint? key in new uint?[] { null, 0x04030201 })
        {
            var bytes = new byte[WebSocketFrame.MaxHeadSize];
            var written = WebSocketFrame.WriteHead(bytes, WebSocketOpcode.Binary, length, key);
            Assert.Equal(size + (key is null ? 0 : 4), written);
            Assert.Equal(written, WebSocketFrame.HeadSizeFor(length, key is not null));
            for (var cut = 0; cut < written; cut++) Assert.False(WebSocketFrame.TryRead(bytes.AsSpan(0, cut), out _));
            Assert.True(WebSocketFrame.TryRead(bytes.AsSpan(0, written), out var frame));
            Assert.Equal((true, false, WebSocketOpcode.Binary, key is not null, key ?? 0, length, written),
                (frame.IsFinal, frame.HasReservedBits, frame.Opcode, frame.IsMasked, frame.MaskKey, frame.PayloadLength, frame.HeadSize));
        }
    }

    [Fact]
    public void Masking_a_piece_anywhere_is_masking_the_whole() =>
        Gen.Select(Gen.Byte.Array[0, 300], Gen.UInt, Gen.Int[0, 300], Gen.Int[0, 9]).Sample((data, key, split, offset) =>
        {
            var expected = data.Select((b, i) => (byte)(b ^ (byte)(key >> (8 * ((i + offset) % 4))))).ToArray();
            var actual = (byte[])data.Clone();
            var at = Math.Min(split, data.Length);
            WebSocketFrame.Mask(actual.AsSpan(0, at), key, offset);
            WebSocketFrame.Mask(actual.AsSpan(at), key, offset + at);
            Assert.Equal(expected, actual);
        });

    [Fact]
    public void Any_bytes_are_a_head_or_too_short_for_one() => Gen.Byte.Array[0, 20].Sample(bytes =>
    {
        if (WebSocketFrame.TryRead(bytes, out var frame)) Assert.InRange(frame.HeadSize, 2, Math.Min(bytes.Length, WebSocketFrame.MaxHeadSize));
        else Assert.True(bytes.Length < WebSocketFrame.MaxHeadSize);
    });
}
