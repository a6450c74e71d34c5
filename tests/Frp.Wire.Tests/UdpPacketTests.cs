using System.Net;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using CsCheck;

namespace Frp.Wire.Tests;

/// <summary>The message that has a short way beside the general one: both must say and understand the same.</summary>
public sealed class UdpPacketTests
{
    private static readonly Gen<UdpAddress?> Address = Gen.OneOf(
        Gen.Const((UdpAddress?)null),
        Gen.Select(Gen.OneOf(Gens.Text, Gen.Const("203.0.113.5"), Gen.Const("2001:db8::1"), Gen.String[Gen.Char['a', 'f'], 60, 70]), Gen.UShort,
            Gen.OneOf(Gens.Text, Gen.Const(""), Gen.Const("eth0")), (ip, port, zone) => (UdpAddress?)new UdpAddress { IP = ip, Port = port, Zone = zone }));

    private static readonly Gen<UDPPacket> Packet = Gen.Select(Gen.Byte.Array[0, 2000], Address, (c, r) => new UDPPacket { Content = c, Remote = r });

    private static readonly JsonSerializerOptions Relaxed = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    [Fact]
    public void Writing_gives_what_any_json_writer_gives() => Packet.Sample(packet =>
    {
        var expected = new JsonObject();
        if (packet.Content.Length > 0) expected["c"] = Convert.ToBase64String(packet.Content.Span);
        if (packet.Remote is { } r) expected["r"] = new JsonObject { ["IP"] = r.IP, ["Port"] = r.Port, ["Zone"] = r.Zone };
        Assert.Equal(expected.ToJsonString(Relaxed), Frames.Json(packet));
    });

    [Fact]
    public void Reading_gives_the_same_whether_the_json_is_usual_or_not() => Packet.Sample(packet =>
    {
        var usual = Frames.Json(packet);
        foreach (var json in new[] { usual, usual + " ", "{ " + usual[1..] })
        {
            var read = (UDPPacket)V1Codec.Instance.Decode(Frames.V1('u', json));
            Assert.Equal(packet.Content.ToArray(), read.Content.ToArray());
            Assert.Equal(packet.Remote, read.Remote);
            Assert.Null(read.Local);
        }
    });

    [Theory]
    [InlineData("{}", "", null)]
    [InlineData("{\"c\":\"\"}", "", null)]
    [InlineData("{\"c\":null,\"r\":null}", "", null)]
    [InlineData("{\"c\":\"QUI=\"}", "AB", null)]
    [InlineData("{\"c\":\"QU\\u0049=\"}", "AB", null)]
    [InlineData("{\"C\":\"QUI=\",\"R\":{\"ip\":\"::1\"}}", "AB", "::1 0 ")]
    [InlineData("{\"r\":{\"IP\":\"1.2.3.4\",\"Port\":5,\"Zone\":\"\"},\"c\":\"QUI=\"}", "AB", "1.2.3.4 5 ")]
    [InlineData("{\"r\":{\"IP\":\"1.2.3.4\",\"Port\":5,\"Zone\":\"\"}}", "", "1.2.3.4 5 ")]
    [InlineData("{\"c\":\"QUI=\",\"r\":{\"IP\":\"1.2.3.4\",\"Port\":5,\"Zone\":\"\",\"x\":1}}", "AB", "1.2.3.4 5 ")]
    [InlineData("{\"c\":\"QUI=\",\"r\":{\"IP\":\"1.2.3.4\",\"Port\":5,\"Zone\":\"\"},\"z\":1}", "AB", "1.2.3.4 5 ")]
    [InlineData("{\"c\":\"QUI=\",\"l\":{},\"r\":{\"IP\":null,\"Port\":null,\"Zone\":\"e\\n\"}}", "AB", " 0 e\n")]
    [InlineData("{\"r\":{}}", "", " 0 ")]
    public void Every_form_is_understood(string json, string content, string? remote)
    {
        var read = (UDPPacket)V1Codec.Instance.Decode(Frames.V1('u', json));
        Assert.Equal(content, Encoding.ASCII.GetString(read.Content.Span));
        Assert.Equal(remote, read.Remote is { } r ? $"{r.IP} {r.Port} {r.Zone}" : null);
    }

    [Theory]
    [InlineData("{\"c\":\"QUI=\",}")]
    [InlineData("{,\"r\":{\"IP\":\"\",\"Port\":5,\"Zone\":\"\"}}")]
    [InlineData("{\"c\":\"QUI=\"\"r\":{\"IP\":\"\",\"Port\":5,\"Zone\":\"\"}}")]
    [InlineData("{\"c\":\"QUI\"}")]
    [InlineData("{\"c\":\"Q===\"}")]
    [InlineData("{\"c\":\"QUI=")]
    [InlineData("{\"r\":{\"IP\":\"\",\"Port\":05,\"Zone\":\"\"}}")]
    [InlineData("{\"r\":{\"IP\":\"\",\"Port\":+5,\"Zone\":\"\"}}")]
    [InlineData("{\"r\":{\"IP\":\"\",\"Port\":65536,\"Zone\":\"\"}}")]
    [InlineData("{\"r\":{\"IP\":\"\",\"Port\":5,\"Zone\":\"\"}")]
    [InlineData("{\"r\":{\"IP\":\"\",\"Port\":5,\"Zone\":\"\"}}}")]
    [InlineData("{\"r\":")]
    [InlineData("{\"r\":}")]
    [InlineData("{\"r\":{\"IP\":\"\n\",\"Port\":5,\"Zone\":\"\"}}")]
    public void No_wrong_form_is_let_through(string json) =>
        Assert.Throws<ProtocolViolationException>(() => V1Codec.Instance.Decode(Frames.V1('u', json)));

    [Theory]
    [InlineData("203.0.113.5", 40000, "203.0.113.5", "")]
    [InlineData("::ffff:203.0.113.5", 1, "203.0.113.5", "")]
    [InlineData("2001:db8::1", 65535, "2001:db8::1", "")]
    [InlineData("fe80::1%7", 5, "fe80::1", "7")]
    public void An_end_point_becomes_an_address_and_back(string endPoint, int port, string ip, string zone)
    {
        var given = new IPEndPoint(IPAddress.Parse(endPoint), port);
        var address = UdpAddress.From(given);
        Assert.Equal(new UdpAddress { IP = ip, Port = (ushort)port, Zone = zone }, address);
        Assert.True(address.TryGetEndPoint(out var back));
        Assert.Equal(given.Address.IsIPv4MappedToIPv6 ? new IPEndPoint(given.Address.MapToIPv4(), port) : given, back);
    }

    [Fact]
    public void An_address_of_the_peer_s_may_be_no_end_point()
    {
        Assert.False(new UdpAddress { IP = "example.com", Port = 5 }.TryGetEndPoint(out _));
        Assert.False(new UdpAddress().TryGetEndPoint(out _));
        Assert.True(new UdpAddress { IP = "fe80::1", Zone = "eth0", Port = 5 }.TryGetEndPoint(out var endPoint));
        Assert.Equal(0, endPoint.Address.ScopeId);
    }
}
