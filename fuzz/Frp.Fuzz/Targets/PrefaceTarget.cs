using System.Security.Authentication;
using Frp.Transport;

namespace Frp.Fuzz;

/// <summary>A connection to the bind port up to its first message: classifier, TLS marker, WebSocket upgrade, and the shared HTTP and TLS rules.</summary>
internal sealed class PrefaceTarget : FuzzTarget
{
    private static readonly Lazy<TlsServer> Tls = new(static () => TlsServer.Interim(TimeProvider.System));

    public override string Name => "preface";

    public override IReadOnlyList<string> Sources => ["Frp.Transport/Listening/BindPortHandshake.cs", "Frp.Transport/Listening/Preface.cs", "Frp.Transport/Listening/PrefaceRule.cs", "Frp.Transport/Streams/PrefixedConnection.cs", "Frp.Wire/Layers/PrefixedStream.cs"];

    public override int MaxLength => 1024;

    public override IReadOnlyList<string> Words => ["GET /~!frp HTTP/1.1\r\n", "\x17", "\x16\x03\x01", "CONNECT ", "POST / HTTP/1.1\r\n", "PRI * HTTP/2.0\r\n"];

    public override void Run(ReadOnlyMemory<byte> input) => Now.ForAnyPieces(input, feed => Judge(input, feed), static _ => false);

    private static bool IsRefusal(Exception e) => e is EndOfStreamException or ProtocolViolationException or AuthenticationException or IOException;

    private static string Judge(ReadOnlyMemory<byte> input, Feed feed)
    {
        Connection? shared = null;
        PrefaceTake take = (c, _) =>
        {
            shared = c;
            return ValueTask.FromResult<Connection?>(null);
        };
        // Handshakes are the platform's: one that is not hidden behind a marker or WebSocket costs time and shows nothing of ours.
        PrefaceRule[] sharing = [new("http", PrefaceMatches.Http, take), new("tls", PrefaceMatches.Tls, take)];
        var connection = new FeedConnection(feed);
        var handshake = new BindPortHandshake(Tls.Value, requireTls: false, StoppedClock.Instance, sharing);
        try
        {
            var result = Now.Soon(handshake.RunAsync(connection, CancellationToken.None).AsTask(), "the classifier waits although the whole input is there") ?? shared;
            if (result is null) throw new FindException("nobody got the connection");
            if (result.Layers != CarrierLayers.None) return $"{result.Layers}";
            FindException.Unless(ReadAll(result.Stream).AsSpan().SequenceEqual(input.Span), "bytes were lost or added between the first look and whoever reads");
            return shared is null ? "frp" : "shared";
        }
        catch (Exception e) when (IsRefusal(e))
        {
            FindException.Unless(connection.IsClosed, "refused, and the connection left open");
            return "refused"; // in which words depends on OpenSSL's, and they on the pieces
        }
    }

    private static byte[] ReadAll(Stream stream)
    {
        var all = new MemoryStream();
        var buffer = new byte[97];
        while (Now.Of(stream.ReadAsync(buffer)) is var count and > 0) all.Write(buffer, 0, count);
        return all.ToArray();
    }
}
