using System.Text.Json;

namespace Kcp.Tests;

/// <summary>Datagrams of two programs of the reference, in their order.</summary>
internal static class Recorded
{
    internal static readonly string[] Cases = ["raw", "yamux"];
    internal static readonly string[] Directions = ["c2s", "s2c"];

    internal static List<byte[]> Datagrams(string name, string direction)
    {
        using var document = JsonDocument.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Vectors", "sessions.json")));
        var session = document.RootElement.GetProperty("cases").EnumerateArray().Single(c => c.GetProperty("case").GetString() == name);
        return [.. from datagram in session.GetProperty("datagrams").EnumerateArray()
                   where datagram.GetProperty("dir").GetString() == direction
                   select Convert.FromHexString(datagram.GetProperty("hex").GetString()!)];
    }

    internal static uint ConversationOf(byte[] datagram)
    {
        Assert.True(DatagramReader.TryGetFirst(datagram, out var first));
        return first.Conversation;
    }

    internal static bool IsParity(byte[] datagram) => FecHeader.TypeOf(datagram) == FecHeader.Parity;
}
