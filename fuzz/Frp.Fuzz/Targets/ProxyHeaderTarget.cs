using System.Net;
using System.Text;
using Frp.Transport;
using Frp.Wire;

namespace Frp.Fuzz;

/// <summary>The PROXY header that frpc writes for its service from the addresses that a server tells. The first byte chooses the version.</summary>
/// <remarks>Nothing here reads PROXY headers of others: what comes from peers is the message with the addresses.</remarks>
internal sealed class ProxyHeaderTarget : FuzzTarget
{
    public override string Name => "proxy-header";

    public override IReadOnlyList<string> Sources => ["Frp.Transport/Relay/ProxyProtocolHeader.cs"];

    public override int MaxLength => 512;

    public override IReadOnlyList<string> Words => ["{\"src_addr\":\"127.0.0.1\",\"src_port\":1", ",\"dst_addr\":\"::1\",\"dst_port\":65535", "fe80::1%eth0", "::ffff:1.2.3.4", "0x7f.1", "\\r\\n", "}"];

    public override void Run(ReadOnlyMemory<byte> input)
    {
        if (input.IsEmpty) return;
        string version = input.Span[0] % 2 == 0 ? "v1" : "v2";
        byte[]? header;
        StartWorkConn start;
        try
        {
            start = (StartWorkConn)MessageTypes.OfType<StartWorkConn>().FromJson(input.Span[1..]);
            header = ProxyProtocolHeader.ForUser(version, start);
        }
        catch (Exception e) when (e is ProtocolViolationException or IOException)
        {
            return;
        }
        if (header is null) return;
        var (source, port) = version == "v1" ? ReadText(header) : ReadBinary(header);
        FindException.Unless(port == start.SourcePort, "another port than the user's");
        string address = start.SourceAddress.Split('%')[0];
        FindException.UnlessEqual(IPAddress.Parse(address).MapToIPv6().ToString(), source.MapToIPv6().ToString(), "the user's address");
    }

    // Source: the PROXY protocol, §2.1: one line of at most 107 characters.
    private static (IPAddress Source, int Port) ReadText(byte[] header)
    {
        string line = Encoding.Latin1.GetString(header);
        FindException.Unless(line.Length <= 107 && line.EndsWith("\r\n", StringComparison.Ordinal), $"no PROXY line: {line}");
        if (line[..^2].Split(' ') is not ["PROXY", "TCP4" or "TCP6", var from, var to, var port, var toPort]
            || !IPAddress.TryParse(from, out var source) || !IPAddress.TryParse(to, out _) || !ushort.TryParse(port, out ushort number) || !ushort.TryParse(toPort, out _))
        {
            throw new FindException($"no PROXY line: {line}");
        }
        return (source, number);
    }

    // §2.2.
    private static (IPAddress Source, int Port) ReadBinary(byte[] header)
    {
        FindException.Unless(header.AsSpan().StartsWith("\r\n\r\n\0\r\nQUIT\n\x21"u8) && (header[14] << 8 | header[15]) == header.Length - 16, "no PROXY header");
        int size = header[13] switch
        {
            0x11 => 4,
            0x21 => 16,
            _ => throw new FindException("another family or protocol than TCP's"),
        };
        FindException.Unless(header.Length == 16 + 2 * size + 4, "a header of another length than its addresses have");
        return (new IPAddress(header.AsSpan(16, size)), header[16 + 2 * size] << 8 | header[17 + 2 * size]);
    }
}
