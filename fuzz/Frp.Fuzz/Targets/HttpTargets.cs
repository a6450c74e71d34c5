using System.Text;
using Frp.Server;
using Frp.Transport;
using Frp.Web;
using Microsoft.AspNetCore.Http;

namespace Frp.Fuzz;

/// <summary>The head of a CONNECT request at tcpmux's port.</summary>
internal sealed class ConnectRequestTarget : FuzzTarget
{
    public override string Name => "connect";

    public override IReadOnlyList<string> Sources => ["Frp.Server/Vhost/Connect/ConnectRequest.cs", "Frp.Transport/Http/HttpHead.cs"];

    public override IReadOnlyList<string> Words => ["CONNECT ", " HTTP/1.1\r\n", "Host: ", "Proxy-Authorization: Basic ", "dTpw", "\r\n\r\n", ":80", "[::1]", "@", "/", "\n\n", "\r\n"];

    public override void Run(ReadOnlyMemory<byte> input) => Now.ForAnyPieces(input, feed =>
    {
        var (head, surplus) = Now.Of(HttpHead.ReadAsync(feed, default, 2048, CancellationToken.None));
        FindException.Unless(head.Length <= 2048, "a head over the limit");
        FindException.Unless(input.Span.StartsWith(head.Span) && input.Span[head.Length..].StartsWith(surplus.Span), "head and surplus are not what came");
        FindException.Unless(head.IsEmpty || HttpHead.FindEnd(head.Span) == head.Length, "a head that does not end at its end");
        if (ConnectRequest.TryParse(head.Span) is not { } request) return $"no CONNECT, {head.Length}";
        FindException.Unless(!request.Host.AsSpan().ContainsAny('\r', '\n', '\0'), "a host with control characters");
        FindException.UnlessEqual(request.Host, HostRoutes.Fold(request.Host), "a host and its folding");
        return $"{request.Host} {request.Credentials}";
    }, static e => e is EndOfStreamException or HttpHeadTooLargeException);
}

/// <summary>Whom an HTTP request is for: lines of the target, Host, Authorization, Proxy-Authorization and Connection.</summary>
internal sealed class HttpIdentityTarget : FuzzTarget
{
    public override string Name => "http-identity";

    public override IReadOnlyList<string> Sources => ["Frp.Web/Tunnels/HttpIdentity.cs", "Frp.Web/Tunnels/ConnectionField.cs", "Frp.Server/Vhost/Http/HttpOpening.cs", "Frp.Server/Vhost/HostRoutes.cs", "Frp.Web/WebPath.cs"];

    public override IReadOnlyList<string> Words => ["http://", "/", "?", "#", "%2e", "%", ";", "&", "=", "@", ":", "[::1]", "example.com.", "Basic dTpw", "keep-alive", "close", "upgrade", ", ", "PRI * HTTP/2.0", "CONNECT "];

    public override void Run(ReadOnlyMemory<byte> input)
    {
        string[] lines = Encoding.Latin1.GetString(input.Span).Split('\n', 5);
        string target = lines[0];
        IHeaderDictionary headers = new HeaderDictionary();
        if (lines.Length > 1) headers.Host = lines[1];
        if (lines.Length > 2) headers.Authorization = lines[2];
        if (lines.Length > 3) headers.ProxyAuthorization = lines[3];
        var identity = HttpIdentity.Of(target, headers);
        FindException.Unless(identity.IsProxyForm || identity.PathAndQuery.Length <= target.Length, "cleaning made a target longer");
        FindException.UnlessEqual(identity.PathAndQuery, HttpIdentity.Of(identity.PathAndQuery, headers) is { IsProxyForm: false } again ? again.PathAndQuery : identity.PathAndQuery, "a clean target cleaned once more");
        string host = HostRoutes.HostOf(identity.Authority);
        FindException.Unless(host.Length <= identity.Authority.Length && !host.EndsWith('.'), "a host that is not folded");
        if (lines.Length > 4)
        {
            string field = ConnectionField.TextOf(Encoding.Latin1.GetBytes(lines[4]));
            byte[] bytes = Encoding.Latin1.GetBytes(lines[4]);
            FindException.UnlessEqual(field, ConnectionField.Reading.GetString(bytes), "a Connection field and its decoding");
            FindException.Unless(field.Length <= ConnectionField.Reading.GetMaxCharCount(bytes.Length), "a Connection field longer than it says");
        }
        if (WebPath.TryRead(target, out string? path)) FindException.Unless(path.Length > 0 && path[0] == '/', "a path without its slash");
        _ = Now.Outcome(() => Now.Of(HttpOpenings.ReadAsync(new FeedConnection(new Feed(input, 1)), CancellationToken.None)).Opening.ToString(), static e => e is EndOfStreamException);
    }
}

/// <summary>The field of Basic credentials: two readers of it, which may differ only where their documents say so.</summary>
internal sealed class CredentialsTarget : FuzzTarget
{
    public override string Name => "credentials";

    public override IReadOnlyList<string> Sources => ["Frp.Transport/Http/BasicCredentials.cs", "Frp.Web/Tunnels/HttpIdentity.cs"];

    public override int MaxLength => 512;

    public override IReadOnlyList<string> Words => ["Basic ", "basic ", "dTpw", "dTo=", "Og==", "====", " ", "\t", "7777"];

    public override void Run(ReadOnlyMemory<byte> input)
    {
        string field = Encoding.Latin1.GetString(input.Span);
        var strict = BasicCredentials.Parse(field);
        var lenient = HttpCredentials.Parse(field);
        // Who is strict takes fewer forms; what he takes means the same to both.
        if (strict != BasicCredentials.None) FindException.UnlessEqual($"{strict.User}\n{strict.Password}", $"{lenient?.User}\n{lenient?.Password}", "the same field read twice");
        if (lenient is { } pair) FindException.Unless(!pair.User.Contains(':', StringComparison.Ordinal), "a user with a colon");
        // And every pair survives its own encoding.
        string user = field.Replace(":", "", StringComparison.Ordinal);
        var again = BasicCredentials.Parse("Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{field}")));
        FindException.UnlessEqual($"{user}\n{field}", $"{again.User}\n{again.Password}", "credentials and what is read of them");
    }
}
