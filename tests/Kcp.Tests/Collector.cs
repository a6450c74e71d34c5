namespace Kcp.Tests;

/// <summary>Keeps what a conversation sends, without the room in front.</summary>
internal sealed class Collector : IDatagramOutput
{
    internal List<byte[]> Datagrams { get; } = [];

    internal bool IsBlocked { get; set; }

    public bool Send(Span<byte> datagram)
    {
        if (IsBlocked) return false;
        Datagrams.Add(datagram[DatagramPacker.Headroom..].ToArray());
        return true;
    }

    internal List<byte[]> Take()
    {
        var taken = Datagrams.ToList();
        Datagrams.Clear();
        return taken;
    }

    internal static List<SegmentHeader> Headers(IEnumerable<byte[]> datagrams)
    {
        var headers = new List<SegmentHeader>();
        foreach (byte[] datagram in datagrams)
        {
            for (int at = 0; at < datagram.Length;)
            {
                var header = SegmentHeader.Read(datagram.AsSpan(at));
                headers.Add(header);
                at += SegmentHeader.Size + (int)header.Length;
            }
        }
        return headers;
    }
}
