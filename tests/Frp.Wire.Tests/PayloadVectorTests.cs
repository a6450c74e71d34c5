namespace Frp.Wire.Tests;

/// <summary>Recorded payload of the reference: encrypted, compressed, both, and messages.</summary>
public sealed class PayloadVectorTests
{
    public static TheoryData<int> LayerStreams() => Indices(VectorFile.Layers);

    public static TheoryData<int> MessageStreams() => Indices(VectorFile.UdpMessages);

    [Theory]
    [MemberData(nameof(LayerStreams))]
    public async Task Layers_decode_to_the_plain_bytes(int index)
    {
        var vector = VectorFile.Load(VectorFile.Layers)["streams"]![index]!;
        foreach (var (piece, read) in new[] { (100_000, 4096), (1, 1), (5, 3), (17, 64) })
        {
            Stream stream = PieceStream.Cut(vector.Hex("wire_hex"), piece);
            if (vector["encryption"]!.GetValue<bool>())
            {
                var key = StreamKey.Derive(vector.Text("secret"));
                Assert.Equal(vector.Text("key"), Convert.ToHexStringLower(key));
                stream = new CfbStream(stream, key);
            }
            if (vector["compression"]!.GetValue<bool>()) stream = new SnappyStream(stream);
            Assert.Equal(vector.Text("plain_hex"), Convert.ToHexStringLower(await stream.ReadAllAsync(read)));
        }
    }

    [Theory]
    [MemberData(nameof(MessageStreams))]
    public void Payload_messages_decode_and_encode_frame_by_frame(int index)
    {
        var vector = VectorFile.Load(VectorFile.UdpMessages)["streams"]![index]!;
        IMessageCodec codec = vector.Text("wire") == "v1" ? V1Codec.Instance : V2Codec.Session;
        foreach (var expected in vector["messages"]!.AsArray())
        {
            var message = codec.Decode(expected!.Hex("frame_hex"));
            Assert.Equal(expected!.Text("type"), MessageTypes.Of(message).Name);
            Frames.AssertSame(expected!["json"], message);
            Assert.Equal(expected!.Text("frame_hex"), Convert.ToHexStringLower(codec.Encode(message)));
        }
    }

    private static TheoryData<int> Indices(string file) =>
        [.. Enumerable.Range(0, VectorFile.Load(file)["streams"]!.AsArray().Count)];
}
