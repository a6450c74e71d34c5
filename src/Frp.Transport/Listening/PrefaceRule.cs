namespace Frp.Transport;

/// <summary>Whose connection it is, judged by its first bytes.</summary>
/// <param name="first">The first <see cref="PrefaceRule.PrefaceLength"/> bytes.</param>
public delegate bool PrefaceMatch(ReadOnlySpan<byte> first);

/// <summary>Takes a connection whose first bytes matched.</summary>
/// <param name="connection">Owned from here on; its first bytes have not been consumed.</param>
/// <param name="cancellationToken">Fires when the listener's owner stops.</param>
/// <returns>The byte stream to serve on this listener, or null when the connection has gone elsewhere.</returns>
public delegate ValueTask<Connection?> PrefaceTake(Connection connection, CancellationToken cancellationToken);

/// <summary>One line of the list by which a shared port tells its users apart. The first line that matches wins.</summary>
/// <param name="Name">For logs.</param>
/// <param name="Matches">Pure; called for each connection that no earlier rule took.</param>
/// <param name="Take">Runs in the connection's own task.</param>
public sealed record PrefaceRule(string Name, PrefaceMatch Matches, PrefaceTake Take)
{
    /// <summary>How many bytes rules are shown: as many as <c>GET /~!frp</c> has, and fewer than any legitimate opening.</summary>
    public const int PrefaceLength = 10;
}

/// <summary>The openings that rules look for.</summary>
public static class PrefaceMatches
{
    /// <summary>An upgrade request for the WebSocket carrier.</summary>
    public static bool WebSocket(ReadOnlySpan<byte> first) => first.StartsWith("GET /~!frp"u8);

    /// <summary>A TLS handshake record.</summary>
    public static bool Tls(ReadOnlySpan<byte> first) => first is [0x16, ..];

    /// <summary>An HTTP request, HTTP/2's preface included.</summary>
    public static bool Http(ReadOnlySpan<byte> first) =>
        first.Length >= 3 && (first[0], first[1], first[2]) is ((byte)'G', (byte)'E', (byte)'T') or ((byte)'H', (byte)'E', (byte)'A')
            or ((byte)'P', (byte)'O', (byte)'S') or ((byte)'P', (byte)'U', (byte)'T') or ((byte)'D', (byte)'E', (byte)'L')
            or ((byte)'C', (byte)'O', (byte)'N') or ((byte)'O', (byte)'P', (byte)'T') or ((byte)'T', (byte)'R', (byte)'A')
            or ((byte)'P', (byte)'A', (byte)'T') or ((byte)'P', (byte)'R', (byte)'I');
}
