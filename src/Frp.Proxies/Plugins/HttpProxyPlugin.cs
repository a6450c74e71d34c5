using System.Text;
using Frp.Transport;
using Frp.Wire;

namespace Frp.Proxies.Plugins;

/// <summary>The plug-in <c>http_proxy</c>: users name whom they want to be connected to, by HTTP: CONNECT, or a request in absolute form.</summary>
/// <remarks>
/// A connection carries one CONNECT or one request. A request goes on in origin form and asks for the end of the connection behind the answer; from its head
/// on both directions are relayed, so that bodies, trailers and upgrades pass as they are. Source: RFC 9110 §9.3.6, RFC 9112 §3.2.2.
/// </remarks>
internal sealed class HttpProxyPlugin(HttpProxyPluginConfig config, IClientProxyHost host) : ForwardProxy("http_proxy", host)
{
    private const int LongestHead = 64 * 1024;

    // Source: wire specification §20.
    private static readonly TimeSpan RefusalDelay = TimeSpan.FromMilliseconds(200);

    // What concerns the way to us, and not the one behind (RFC 9110 §7.6.1). Transfer-Encoding stays: the body passes as it is.
    private static readonly string[] OwnFields = ["Proxy-Connection", "Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "TE"];

    protected override async ValueTask<(Connection User, Connection Target)> ConnectAsync(Connection user, CancellationToken cancellationToken)
    {
        var (head, surplus) = await HttpHead.ReadAsync(user.Stream, default, LongestHead, cancellationToken);
        if (head.IsEmpty) throw new EndOfStreamException("no request");
        if (HttpHead.TryParse(head.Span) is not { } request || request.StartLine.Split(' ') is not [var method, var target, _] line) throw await RefuseAsync(user, "400 Bad Request", "no HTTP request", cancellationToken);
        await AuthenticateAsync(user, request, cancellationToken);
        var service = method.Equals("CONNECT", StringComparison.OrdinalIgnoreCase)
            ? await TunnelAsync(user, target, cancellationToken)
            : await ForwardAsync(user, request, line, cancellationToken);
        return (surplus.IsEmpty ? user : new PrefixedConnection(user, surplus), service);
    }

    private async ValueTask AuthenticateAsync(Connection user, HttpHead request, CancellationToken cancellationToken)
    {
        if (config.HttpUser.Length == 0 && config.HttpPassword.Length == 0) return;
        string? field = request["Proxy-Authorization"];
        if (field is not null && BasicCredentials.Parse(field).Matches(config.HttpUser, config.HttpPassword)) return;
        if (field is not null) await Task.Delay(RefusalDelay, Host.Time, cancellationToken);
        throw await RefuseAsync(user, "407 Not authorized", field is null ? "no credentials" : "wrong credentials", cancellationToken, "Proxy-Authenticate: Basic\r\n");
    }

    private async ValueTask<Connection> TunnelAsync(Connection user, string authority, CancellationToken cancellationToken)
    {
        if (!HostPort.TryParse(authority, defaultPort: null, out var wanted)) throw await RefuseAsync(user, "400 Bad Request", $"[{authority}] is not host:port", cancellationToken);
        var target = await DialAsync(user, wanted, "400 Bad Request", cancellationToken);
        try
        {
            await SendAsync(user, "HTTP/1.1 200 OK\r\n\r\n", cancellationToken);
            return target;
        }
        catch (Exception)
        {
            await target.DisposeAsync();
            throw;
        }
    }

    private async ValueTask<Connection> ForwardAsync(Connection user, HttpHead request, string[] line, CancellationToken cancellationToken)
    {
        const string Scheme = "http://";
        string url = line[1];
        if (!url.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)) throw await RefuseAsync(user, "400 Bad Request", $"[{url}] is no http URL", cancellationToken);
        int path = url.AsSpan(Scheme.Length).IndexOfAny('/', '?');
        string authority = path < 0 ? url[Scheme.Length..] : url.Substring(Scheme.Length, path);
        string target = path < 0 ? "/" : url[(Scheme.Length + path)..];
        if (target[0] == '?') target = "/" + target;
        if (!HostPort.TryParse(authority[(authority.LastIndexOf('@') + 1)..], defaultPort: 80, out var wanted))
            throw await RefuseAsync(user, "400 Bad Request", $"[{url}] has no host", cancellationToken);

        var service = await DialAsync(user, wanted, "500 Internal Server Error", cancellationToken);
        try
        {
            await SendAsync(service, Rewrite(request, line, target, authority), cancellationToken);
            return service;
        }
        catch (Exception)
        {
            await service.DisposeAsync();
            throw;
        }
    }

    // Whom a field of Connection names, and Connection itself, concern us only; an upgrade is for both of them.
    private static string Rewrite(HttpHead request, string[] line, string target, string authority)
    {
        bool upgrades = request.HasToken("Connection", "upgrade");
        var head = new StringBuilder($"{line[0]} {target} {line[2]}\r\nHost: {authority[(authority.LastIndexOf('@') + 1)..]}\r\n");
        foreach (var (name, value) in request.Fields)
        {
            if (name.Equals("Host", StringComparison.OrdinalIgnoreCase) || OwnFields.Contains(name, StringComparer.OrdinalIgnoreCase)) continue;
            if (request.HasToken("Connection", name) && !(upgrades && name.Equals("Upgrade", StringComparison.OrdinalIgnoreCase))) continue;
            head.Append(name).Append(": ").Append(value).Append("\r\n");
        }
        head.Append("Connection: ").Append(upgrades ? "Upgrade" : "close").Append("\r\n\r\n");
        return head.ToString();
    }

    private async ValueTask<Connection> DialAsync(Connection user, HostPort wanted, string refusal, CancellationToken cancellationToken)
    {
        try
        {
            return await Host.DialLocalAsync(wanted.Host, wanted.Port, cancellationToken);
        }
        catch (IOException e)
        {
            throw await RefuseAsync(user, refusal, e.Message, cancellationToken);
        }
    }

    /// <summary>Answers with an error.</summary>
    private static async ValueTask<ProtocolViolationException> RefuseAsync(Connection user, string status, string cause, CancellationToken cancellationToken, string fields = "")
    {
        await SendAsync(user, $"HTTP/1.1 {status}\r\n{fields}Connection: close\r\nContent-Length: 0\r\n\r\n", cancellationToken);
        return new ProtocolViolationException(cause);
    }

    private static async ValueTask SendAsync(Connection connection, string head, CancellationToken cancellationToken)
    {
        await connection.Stream.WriteAsync(Encoding.Latin1.GetBytes(head), cancellationToken);
        await connection.Stream.FlushAsync(cancellationToken);
    }
}
