using System.Text;
using System.Text.Json.Nodes;

namespace Frp.Wire.Tests;

/// <summary>Recorded sessions of the reference, read as its peer would, in several divisions of the bytes.</summary>
public sealed class SessionVectorTests
{
    private static readonly int[][] Divisions = [[100_000], [1], [7, 13], [512, 9]];

    public static TheoryData<string, int> Connections()
    {
        var data = new TheoryData<string, int>();
        foreach (var file in new[] { VectorFile.V1Session, VectorFile.V2Session, VectorFile.XChaCha })
        {
            for (var i = 0; i < VectorFile.Load(file)["connections"]!.AsArray().Count; i++) data.Add(file, i);
        }
        return data;
    }

    [Theory]
    [MemberData(nameof(Connections))]
    public async Task Recorded_connections_read_the_same_in_any_division(string file, int index)
    {
        var connection = VectorFile.Load(file)["connections"]![index]!;
        foreach (var division in Divisions)
        {
            if (connection.Text("kind") == "control") await ReadControlAsync(connection, division);
            else await ReadFirstExchangeAsync(connection, division);
        }
    }

    private static async Task ReadControlAsync(JsonNode connection, int[] division)
    {
        var isV2 = connection.Text("wire") == "v2";
        var clear = new Dictionary<string, MessageStream>();
        var read = new Dictionary<string, List<Message>>();
        foreach (var direction in new[] { "c2s", "s2c" })
        {
            clear[direction] = Open(connection, direction, division);
            read[direction] = [];
            foreach (var expected in Expected(connection, "messages", direction))
            {
                var message = await clear[direction].ReadAsync(TestContext.Current.CancellationToken);
                AssertMessage(expected, message);
                read[direction].Add(message);
            }
        }
        if (connection["encrypted_c2s"] is null)
        {
            // A refused login: nothing follows.
            foreach (var stream in clear.Values) Assert.Empty(await stream.ReadAllAsync());
            return;
        }
        var keys = isV2 ? DeriveKeys(connection, read) : null;
        foreach (var direction in new[] { "c2s", "s2c" })
        {
            await using var channel = isV2
                ? ControlEncryption.OpenV2(clear[direction], keys!, isServer: direction == "c2s")
                : ControlEncryption.OpenV1(clear[direction], StreamKey.Derive(connection.Text("token")));
            var messages = await channel.ReadAllAsync();
            var expected = connection[$"encrypted_{direction}"]!.AsArray();
            Assert.Equal(expected.Count, messages.Count);
            for (var i = 0; i < expected.Count; i++) AssertMessage(expected[i]!, messages[i]);
            AssertFrames(connection.Hex($"encrypted_{direction}_plain_hex"), messages, channel.Codec);
        }
    }

    // Our encoder writes the reference's bytes, except for < > &, which the reference escapes without need.
    private static void AssertFrames(byte[] expected, List<Message> messages, IMessageCodec codec)
    {
        var rest = expected.AsSpan();
        foreach (var message in messages)
        {
            var frame = rest[..codec.GetFrameLength(rest)];
            rest = rest[frame.Length..];
            if (frame.IndexOf("\\u00"u8) < 0) Assert.Equal(Convert.ToHexStringLower(frame), Convert.ToHexStringLower(codec.Encode(message)));
        }
        Assert.True(rest.IsEmpty);
    }

    private static ControlKeys DeriveKeys(JsonNode connection, Dictionary<string, List<Message>> read)
    {
        var client = read["c2s"].OfType<ClientHello>().Single();
        var server = read["s2c"].OfType<ServerHello>().Single();
        Assert.True(HelloNegotiation.TryAccept(client, server, out var cipher, out var problem), problem);
        var expected = connection["keys"]!;
        Assert.Equal(expected.Text("algorithm"), HelloNegotiation.NameOf(cipher));
        var keys = ControlKeys.Derive(Encoding.UTF8.GetBytes(connection.Text("token")), cipher, client, server);
        Assert.Equal(expected.Text("transcript_sha256"), Convert.ToHexStringLower(keys.Transcript.Span));
        Assert.Equal(expected.Text("client_to_server"), Convert.ToHexStringLower(keys.ClientToServer.Span));
        Assert.Equal(expected.Text("server_to_client"), Convert.ToHexStringLower(keys.ServerToClient.Span));
        return keys;
    }

    private static async Task ReadFirstExchangeAsync(JsonNode connection, int[] division)
    {
        foreach (var direction in new[] { "c2s", "s2c" })
        {
            await using var stream = Open(connection, direction, division);
            var all = new List<Message>();
            foreach (var expected in Expected(connection, "messages", direction))
            {
                var message = await stream.ReadAsync(TestContext.Current.CancellationToken);
                AssertMessage(expected, message);
                all.Add(message);
            }
            // What was read and what is left, encoded again and glued together, are the recorded bytes.
            byte[] magic = connection.Text("wire") == "v2" && direction == "c2s" ? [.. WireMagic.V2] : [];
            var rest = await PrefixedStream.Wrap(stream.Stream, stream.TakeSurplus()).ReadAllAsync();
            Assert.Equal(connection.Text(direction), Convert.ToHexStringLower([.. magic, .. stream.Codec.Encode(all), .. rest]));
        }
    }

    private static MessageStream Open(JsonNode connection, string direction, int[] division)
    {
        var bytes = connection.Hex(direction);
        if (connection.Text("wire") == "v1")
        {
            if (direction == "c2s") Assert.Equal(WireVersion.V1, WireMagic.Detect(bytes));
            return new MessageStream(PieceStream.Cut(bytes, division), V1Codec.Instance);
        }
        if (direction == "c2s")
        {
            Assert.Equal(WireVersion.V2, WireMagic.Detect(bytes));
            bytes = bytes[WireMagic.Length..];
        }
        return new MessageStream(PieceStream.Cut(bytes, division), V2Codec.Bootstrap);
    }

    private static IEnumerable<JsonNode> Expected(JsonNode connection, string list, string direction) =>
        connection[list]!.AsArray().Where(m => m!.Text("dir") == direction)!;

    private static void AssertMessage(JsonNode expected, Message actual)
    {
        Assert.Equal(expected.Text("type"), MessageTypes.Of(actual).Name);
        Frames.AssertSame(expected["json"], actual);
    }
}
