using System.Text.Json;
using CsCheck;

namespace Yamux.Tests;

public class FrameTests
{
    private static readonly Gen<FrameHeader> Headers = Gen.Select(Gen.Int[0, 3], Gen.UShort, Gen.UInt, Gen.UInt)
        .Select((type, flags, id, length) => new FrameHeader((FrameType)type, (FrameFlags)flags, id, length));

    [Fact]
    public void A_header_survives_encoding_and_decoding() => Headers.Sample(static header =>
    {
        byte[] bytes = new byte[FrameHeader.Size];
        header.Write(bytes);
        Assert.True(FrameHeader.TryRead(bytes, out FrameHeader read));
        Assert.Equal(header, read);
    });

    [Fact]
    public void A_header_of_another_version_or_type_is_refused() => Gen.Select(Headers, Gen.Byte, Gen.Byte).Sample(static (header, version, type) =>
    {
        byte[] bytes = new byte[FrameHeader.Size];
        header.Write(bytes);
        bytes[0] = version;
        bytes[1] = type;
        Assert.Equal(version == 0 && type <= 3, FrameHeader.TryRead(bytes, out _));
    });

    [Theory]
    [InlineData("0001000100000001005c0000", 1, 1, 1u, 6029312u)]
    [InlineData("0001000200000003005c0000", 1, 2, 3u, 6029312u)]
    [InlineData("000100040000000500000000", 1, 4, 5u, 0u)]
    [InlineData("000200010000000001020304", 2, 1, 0u, 0x01020304u)]
    [InlineData("000300000000000000000001", 3, 0, 0u, 1u)]
    public void Recorded_headers_mean_what_they_meant(string hex, int type, int flags, uint id, uint length)
    {
        var header = new FrameHeader((FrameType)type, (FrameFlags)flags, id, length);
        byte[] bytes = new byte[FrameHeader.Size];
        header.Write(bytes);
        Assert.Equal(hex, Convert.ToHexStringLower(bytes));
    }

    [Theory]
    [InlineData("c2s")]
    [InlineData("s2c")]
    public void A_recorded_session_parses_into_its_recorded_frames(string direction)
    {
        using JsonDocument live = Vectors.Load("live.json");
        byte[] bytes = Convert.FromHexString(string.Concat(live.RootElement.GetProperty(direction).EnumerateArray().Select(static e => e.GetString())));
        int at = 0;
        foreach (JsonElement expected in live.RootElement.GetProperty("frames_" + direction).EnumerateArray())
        {
            Assert.Equal(expected.GetProperty("header_hex").GetString(), Convert.ToHexStringLower(bytes.AsSpan(at, FrameHeader.Size)));
            Assert.True(FrameHeader.TryRead(bytes.AsSpan(at), out FrameHeader header));
            Assert.Equal(expected.GetProperty("type").GetString(), header.Type.ToString());
            Assert.Equal(expected.GetProperty("flags").GetString(), header.Flags == FrameFlags.None ? "" : header.Flags.ToString().ToUpperInvariant());
            Assert.Equal(expected.GetProperty("stream").GetUInt32(), header.StreamId);
            Assert.Equal(expected.GetProperty("length").GetUInt32(), header.Length);
            at += FrameHeader.Size + (header.Type == FrameType.Data ? (int)header.Length : 0);
        }

        Assert.Equal(bytes.Length, at);
    }
}
