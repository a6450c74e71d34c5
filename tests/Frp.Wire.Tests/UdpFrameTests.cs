using System.Net;
using System.Net.Sockets;
using System.Text;
using CsCheck;

namespace Frp.Wire.Tests;

/// <summary>Datagrams without objects: the same bytes and the same meaning as the general codec's.</summary>
public sealed class UdpFrameTests
{
    private static readonly IMessageCodec[] Codecs = [V1Codec.Instance, V2Codec.Session];

    private static readonly Gen<IPEndPoint> User = Gen.Select(
        Gen.OneOf(
            Gen.Byte.Array[4].Select(b => new IPAddress(b)),
            // Half of the groups are zero, so that gaps of every place and length occur.
            Gen.Select(Gen.Bool, Gen.UShort).Select((zero, group) => zero ? (ushort)0 : group).Array[8].Select(groups => new IPAddress([.. groups.SelectMany(g => new[] { (byte)(g >> 8), (byte)g })])),
            // Only link-local addresses have a scope.
            Gen.Select(Gen.Byte.Array[14], Gen.UInt).Select((b, scope) => new IPAddress([0xfe, 0x80, .. b], scope)),
            Gen.Byte.Array[4].Select(b => new IPAddress(b).MapToIPv6())),
        Gen.UShort, (ip, port) => new IPEndPoint(ip, port));

    private static readonly Gen<(byte[] Content, IPEndPoint User)[]> Datagrams = Gen.Select(Gen.OneOf(Gen.Byte.Array[0, 20], Gen.Byte.Array[0, 3000]), User).Array[1, 10];

    [Fact]
    public void An_address_is_written_as_the_general_form_writes_it() => User.Sample(user =>
    {
        Span<byte> json = new byte[SocketAddressJson.MaxLength];
        int length = SocketAddressJson.Write(user.Serialize(), json);
        var general = UdpAddress.From(user);
        // Some IPv6 addresses have a dotted tail in .NET's form, and not in RFC 5952's and the reference's.
        if (general.IP.Contains(':') && general.IP.Contains('.')) return;
        Assert.Equal(Encoding.ASCII.GetString(UdpPacketJsonOf(general)), Encoding.ASCII.GetString(json[..length]));
    }, iter: 2000);

    [Fact]
    public void An_address_comes_back_as_it_was() => User.Sample(user =>
    {
        Span<byte> json = new byte[SocketAddressJson.MaxLength];
        int length = SocketAddressJson.Write(user.Serialize(), json);
        var mapped = new IPEndPoint(user.Address.MapToIPv6(), user.Port);
        var six = new SocketAddress(AddressFamily.InterNetworkV6);
        Assert.True(SocketAddressJson.TryRead(json[..length], six), Encoding.ASCII.GetString(json[..length]));
        Assert.Equal(mapped, new IPEndPoint(IPAddress.IPv6Any, 0).Create(six));
        var four = new SocketAddress(AddressFamily.InterNetwork);
        bool isFour = user.Address.AddressFamily == AddressFamily.InterNetwork || user.Address.IsIPv4MappedToIPv6;
        Assert.Equal(isFour, SocketAddressJson.TryRead(json[..length], four));
        if (isFour) Assert.Equal(new IPEndPoint(user.Address.MapToIPv4(), user.Port), new IPEndPoint(IPAddress.Any, 0).Create(four));
    }, iter: 2000);

    [Theory]
    [InlineData("1.2.3.4", "1.2.3.4")]
    [InlineData("::ffff:1.2.3.4", "1.2.3.4")]
    [InlineData("64:ff9b::1.2.3.4", "64:ff9b::102:304")]
    [InlineData("FE80::00aB", "fe80::ab")]
    [InlineData("::", "::")]
    [InlineData("1::", "1::")]
    [InlineData("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8")]
    [InlineData("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0")]
    public void Every_way_to_write_an_address_is_understood(string text, string same)
    {
        var address = new SocketAddress(AddressFamily.InterNetworkV6);
        Assert.True(SocketAddressJson.TryRead(Json(text), address));
        Assert.Equal(IPAddress.Parse(same).MapToIPv6(), ((IPEndPoint)new IPEndPoint(IPAddress.IPv6Any, 0).Create(address)).Address);
    }

    [Theory]
    [InlineData("")]
    [InlineData("x")]
    [InlineData("1.2.3")]
    [InlineData("1.2.3.4.5")]
    [InlineData("1.2.3.256")]
    [InlineData("1.2.3.04")]
    [InlineData("1..3.4")]
    [InlineData("16909060")]
    [InlineData("1:2:3:4:5:6:7")]
    [InlineData("1:2:3:4:5:6:7:8:9")]
    [InlineData("1::2::3")]
    [InlineData("1:2:3:4::5:6:7:8")]
    [InlineData("12345::")]
    [InlineData(":1:2:3:4:5:6:7")]
    [InlineData("1:")]
    [InlineData("example.com")]
    public void What_is_no_address_is_refused(string text)
    {
        Assert.False(SocketAddressJson.TryRead(Json(text), new SocketAddress(AddressFamily.InterNetworkV6)));
        Assert.False(SocketAddressJson.TryRead(Json(text), new SocketAddress(AddressFamily.InterNetwork)));
    }

    [Fact]
    public void A_packet_is_written_as_the_codec_writes_it() => Datagrams.Sample(datagrams =>
    {
        foreach (var codec in Codecs)
        {
            foreach (var (content, user) in datagrams)
            {
                var address = UdpPacketJsonOf(UdpAddress.From(user));
                var output = new byte[PacketFrame.GetMaxLength(content.Length, address.Length)];
                int length = PacketFrame.Write(codec, content, address, output);
                Assert.Equal(codec.Encode(new UDPPacket { Content = content, Remote = UdpAddress.From(user) }), output[..length]);
            }
        }
    });

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Nothing_is_written_that_the_peer_would_refuse(int version)
    {
        var codec = Codecs[version - 1];
        var address = Json("1.2.3.4");
        int longest = Enumerable.Range(0, 60_000).Last(n => Length(n) > 0);
        Assert.InRange(longest, version == 1 ? 7500 : 49_000, version == 1 ? 7680 : 49_152);
        Assert.Throws<MessageTooLongException>(() => codec.Encode(new UDPPacket { Content = new byte[longest + 3], Remote = new UdpAddress { IP = "1.2.3.4", Port = 5 } }));

        int Length(int content) => content % 997 != 0 && content < (version == 1 ? 7500 : 49_000) ? 0 : PacketFrame.Write(codec, new byte[content], address, new byte[PacketFrame.GetMaxLength(content, address.Length)]);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void A_ping_is_written_as_the_codec_writes_it(int version)
    {
        var output = new byte[PacketFrame.GetMaxLength(0, 0)];
        Assert.Equal(Codecs[version - 1].Encode(new Ping()), output[..PacketFrame.WritePing(Codecs[version - 1], output)]);
    }

    [Fact]
    public Task What_is_written_is_read_however_it_is_cut() => Gen.Select(Datagrams, Gen.Int[1, 5000].Array[1, 5], Gen.Bool).SampleAsync(async (datagrams, pieces, second) =>
    {
        var codec = Codecs[second ? 1 : 0];
        var messages = datagrams.SelectMany(d => new Message[] { new UDPPacket { Content = d.Content, Remote = UdpAddress.From(d.User) }, new Ping() });
        await using var stream = PieceStream.Cut(codec.Encode(messages), pieces);
        using var reader = new PacketReader(stream, codec);
        var read = new List<(byte[] Content, string Address)>();
        int pings = 0;
        while (await reader.FillAsync(CancellationToken.None))
        {
            PacketKind kind;
            while ((kind = reader.TryTake(out var packet)) != PacketKind.None)
            {
                if (kind == PacketKind.Ping) pings++;
                else read.Add((packet.Content.ToArray(), Encoding.ASCII.GetString(packet.Address.Span)));
            }
        }
        Assert.Equal(datagrams.Select(d => d.Content), read.Select(r => r.Content));
        Assert.Equal(datagrams.Select(d => Encoding.ASCII.GetString(UdpPacketJsonOf(UdpAddress.From(d.User)))), read.Select(r => r.Address));
        Assert.Equal(datagrams.Length, pings);
    });

    [Theory]
    [InlineData("{}", "", "")]
    [InlineData("{\"c\":null,\"r\":null}", "", "")]
    [InlineData("{\"c\":\"QU\\u0049=\"}", "AB", "")]
    [InlineData("{\"R\":{\"ip\":\"::1\"},\"C\":\"QUI=\"}", "AB", "{\"IP\":\"::1\",\"Port\":0,\"Zone\":\"\"}")]
    [InlineData("{\"c\":\"QUI=\",\"r\":{\"IP\":\"a\\u0022b\",\"Port\":5,\"Zone\":\"\"}}", "AB", "")]
    [InlineData("{\"c\":\"QUI=\",\"l\":{},\"r\":{\"IP\":\"1.2.3.4\",\"Port\":5,\"Zone\":\"\"}}", "AB", "{\"IP\":\"1.2.3.4\",\"Port\":5,\"Zone\":\"\"}")]
    public async Task Every_form_is_read(string json, string content, string address)
    {
        var (kind, packet) = await ReadOneAsync(json);
        Assert.Equal((PacketKind.Datagram, content, address), (kind, Encoding.ASCII.GetString(packet.Content.Span), Encoding.ASCII.GetString(packet.Address.Span)));
    }

    [Theory]
    [InlineData("{\"c\":\"!!\"}")]
    [InlineData("{\"c\":\"QUI\"}")]
    [InlineData("{\"c\":\"Q===\"}")]
    [InlineData("{\"c\":\"QUI=")]
    [InlineData("{\"c\":\"====\",\"r\":{\"IP\":\"1.2.3.4\",\"Port\":5,\"Zone\":\"\"}}")]
    [InlineData("{\"c\":\"QUI=\",\"r\":{\"IP\":\"::1\",\"Port\":70000,\"Zone\":\"\"}}")]
    [InlineData("{\"c\":\"QUI=\",\"r\":{\"Port\":-1}}")]
    [InlineData("{\"c\":\"QUI=\",\"r\":[]}")]
    [InlineData("[]")]
    [InlineData("{\"c\":\"QUI=\"} x")]
    [InlineData("")]
    public Task No_wrong_form_is_let_through(string json) => Assert.ThrowsAsync<ProtocolViolationException>(() => ReadOneAsync(json));

    [Fact]
    public async Task Other_messages_do_not_belong_among_datagrams()
    {
        await Assert.ThrowsAsync<ProtocolViolationException>(() => ReadOneAsync("{}", 's'));
        await Assert.ThrowsAsync<ProtocolViolationException>(() => ReadOneAsync("{}", '!'));
        await Assert.ThrowsAsync<ProtocolViolationException>(() => ReadOneAsync("{", 'h'));
    }

    [Fact]
    public async Task An_end_inside_a_message_is_told_from_one_between_two()
    {
        byte[] frame = V1Codec.Instance.Encode(new Ping());
        using var whole = new PacketReader(new MemoryStream(frame), V1Codec.Instance);
        Assert.True(await whole.FillAsync(CancellationToken.None));
        Assert.Equal(PacketKind.Ping, whole.TryTake(out _));
        Assert.Equal(PacketKind.None, whole.TryTake(out _));
        Assert.False(await whole.FillAsync(CancellationToken.None));
        using var half = new PacketReader(new MemoryStream(frame[..^1]), V1Codec.Instance);
        Assert.True(await half.FillAsync(CancellationToken.None));
        Assert.Equal(PacketKind.None, half.TryTake(out _));
        await Assert.ThrowsAsync<ProtocolViolationException>(async () => await half.FillAsync(CancellationToken.None));
    }

    private static async Task<(PacketKind Kind, Packet Packet)> ReadOneAsync(string json, char type = 'u')
    {
        var reader = new PacketReader(new MemoryStream(Frames.V1(type, json)), V1Codec.Instance);
        Assert.True(await reader.FillAsync(CancellationToken.None));
        return (reader.TryTake(out var packet), packet);
    }

    private static byte[] Json(string ip) => Encoding.ASCII.GetBytes($"{{\"IP\":\"{ip}\",\"Port\":5,\"Zone\":\"\"}}");

    private static byte[] UdpPacketJsonOf(UdpAddress address) =>
        Encoding.ASCII.GetBytes($"{{\"IP\":\"{address.IP}\",\"Port\":{address.Port},\"Zone\":\"{address.Zone}\"}}");
}
