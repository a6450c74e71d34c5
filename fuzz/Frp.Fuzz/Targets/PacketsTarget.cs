using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Frp.Wire;

namespace Frp.Fuzz;

/// <summary>Datagrams in a work connection: the reader that decodes in place against the codec that reads JSON. The first byte chooses the version.</summary>
internal sealed class PacketsTarget : FuzzTarget
{
    private static readonly JsonSerializerOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public override string Name => "packets";

    public override IReadOnlyList<string> Sources => ["Frp.Wire/Datagrams/", "Frp.Wire/Messages/UdpPacketJson.cs", "Frp.Wire/Messages/UdpMessages.cs"];

    public override IReadOnlyList<string> Words =>
    [
        "u\0\0\0\0\0\0\0", "h\0\0\0\0\0\0\0\x02{}", "\0\x10\0\0\0\0\0", "\0\x0d{", "{\"c\":\"", "AAAA", "AA==", "\",\"r\":{\"IP\":\"127.0.0.1\",\"Port\":1,\"Zone\":\"\"}}", "{\"r\":{\"IP\":\"::1\",\"Port\":65535,\"Zone\":\"eth0\"}}", "::ffff:1.2.3.4", "2001:db8::", "\"l\":null,",
    ];

    public override void Run(ReadOnlyMemory<byte> input)
    {
        if (input.IsEmpty) return;
        IMessageCodec codec = input.Span[0] % 2 == 0 ? V1Codec.Instance : V2Codec.Session;
        input = input[1..];
        string inPlace = Now.ForAnyPieces(input, feed => Read(feed, codec), static _ => false);
        FindException.UnlessEqual(inPlace, Decode(new Feed(input), codec), "what the reader in place and the codec read");
    }

    private static string Read(Feed feed, IMessageCodec codec)
    {
        using var reader = new PacketReader(feed, codec);
        string log = "";
        try
        {
            while (true)
            {
                PacketKind kind;
                while ((kind = reader.TryTake(out var packet)) != PacketKind.None)
                    log += kind == PacketKind.Ping ? "ping;" : $"{Convert.ToHexString(packet.Content.Span)} {Address(packet.Address.Span)};";
                if (!Now.Of(reader.FillAsync(CancellationToken.None))) return log;
            }
        }
        catch (ProtocolViolationException)
        {
            return $"{log} refused";
        }
    }

    private static string Decode(Feed feed, IMessageCodec codec)
    {
        var messages = new MessageStream(feed, codec);
        string log = "";
        try
        {
            while (true)
            {
                log += Now.Of(messages.ReadAsync(CancellationToken.None)) switch
                {
                    Ping => "ping;",
                    UDPPacket packet => $"{Convert.ToHexString(packet.Content.Span)} {Address(Remote(packet))};",
                    _ => throw new ProtocolViolationException("another message"),
                };
            }
        }
        catch (EndOfStreamException)
        {
            return log;
        }
        catch (ProtocolViolationException)
        {
            return $"{log} refused";
        }
    }

    // As peers write it: texts without escapes where there need not be any.
    private static byte[] Remote(UDPPacket packet) =>
        packet.Remote is null ? [] : Encoding.UTF8.GetBytes(MessageTypes.OfType<UDPPacket>().ToJson(packet)["r"]!.ToJsonString(Plain));

    private static string Address(ReadOnlySpan<byte> json)
    {
        if (json.IsEmpty) return "nowhere"; // none, or (UdpPacketJson.WriteAddress) one whose texts have no usual form: nobody can be sent to either
        var address = new SocketAddress(AddressFamily.InterNetworkV6);
        if (!SocketAddressJson.TryRead(json, address)) return "nowhere";
        var endPoint = (IPEndPoint)new IPEndPoint(IPAddress.IPv6Any, 0).Create(address);
        Span<byte> written = stackalloc byte[SocketAddressJson.MaxLength];
        int length = SocketAddressJson.Write(address, written);
        var again = new SocketAddress(AddressFamily.InterNetworkV6);
        FindException.Unless(SocketAddressJson.TryRead(written[..length], again) && again.Equals(address), $"{endPoint} written and read again");
        return endPoint.ToString();
    }
}
