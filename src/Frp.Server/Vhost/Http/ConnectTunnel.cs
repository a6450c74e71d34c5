using System.Globalization;
using System.Text;
using Frp.Proxies;
using Frp.Transport;
using Frp.Web;
using Microsoft.Extensions.Logging;

namespace Frp.Server;

/// <summary>CONNECT: the request goes to the local service as it is, and what follows is relayed. The answer is the local service's.</summary>
/// <remarks>Source: wire specification §14.4, "Proxy-form requests".</remarks>
internal sealed partial class ConnectTunnel(HttpTable table, NotFoundPage notFound, HttpLimits limits, TimeProvider time, ILogger logger)
{
    /// <summary>How a connection begins that is for us.</summary>
    internal static ReadOnlySpan<byte> Opening => "CONNECT "u8;

    private const int MaxHeadBytes = 1024 * 1024;

    private static readonly byte[] BadRequest =
        "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n400 Bad Request"u8.ToArray();

    private static readonly byte[] TooLarge =
        "HTTP/1.1 431 Request Header Fields Too Large\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n431 Request Header Fields Too Large"u8.ToArray();

    private static readonly byte[] Unauthorized = Encoding.ASCII.GetBytes(
        "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Type: text/plain; charset=utf-8\r\nProxy-Authenticate: Basic realm=\"Restricted\"\r\n" +
        "X-Content-Type-Options: nosniff\r\nContent-Length: 30\r\nConnection: close\r\n\r\nProxy Authentication Required\n");

    /// <summary>Serves a connection until it is over.</summary>
    /// <param name="user">Owned.</param>
    /// <param name="cancellationToken">Cuts it.</param>
    internal async Task ServeAsync(Connection user, CancellationToken cancellationToken)
    {
        await using (user)
        {
            ReadOnlyMemory<byte> head, surplus;
            using (var deadline = new Deadline(limits.Head, time, cancellationToken))
            {
                try
                {
                    (head, surplus) = await HttpHead.ReadAsync(user.Stream, default, MaxHeadBytes, deadline.Token);
                }
                catch (HttpHeadTooLargeException)
                {
                    await Farewell.SayAsync(user, TooLarge, time, cancellationToken);
                    return;
                }
                catch (OperationCanceledException) when (deadline.HasPassed)
                {
                    throw deadline.Passed("request");
                }
            }
            if (HttpHead.TryParse(head.Span) is not { } request || AuthorityOf(request) is not { } authority)
            {
                await Farewell.SayAsync(user, BadRequest, time, cancellationToken);
                return;
            }
            var (credentials, name) = HttpIdentity.CredentialsOf(isProxyForm: true, request["Proxy-Authorization"], request["Authorization"]);
            if (!table.TryFind(HostRoutes.HostOf(authority), "", name, out var route) || route.Next() is not { } member)
            {
                await NotFoundAsync(user, cancellationToken);
                return;
            }
            if (route.Settings.DemandsCredentials && !(credentials is { } given && route.Settings.Admits(given)))
            {
                await Farewell.SayAsync(user, Unauthorized, time, cancellationToken);
                return;
            }
            if (await OpenWorkAsync(route, member, user, cancellationToken) is not { } work)
            {
                await NotFoundAsync(user, cancellationToken);
                return;
            }
            byte[] said = [.. head.Span, .. surplus.Span];
            var reason = await Relay.RunAsync(new PrefixedConnection(user, said), work.Connection, work.End, time, cancellationToken);
            Log.Done(logger, user.Remote, reason);
        }
    }

    /// <summary>A work connection of the member whose turn it is; of another one, when that one's has died while it waited.</summary>
    private static async ValueTask<ServedWork?> OpenWorkAsync(HttpTarget route, HttpMember first, Connection user, CancellationToken cancellationToken)
    {
        var tried = new List<HttpMember>();
        for (HttpMember? member = first; member is not null; member = route.Another(tried))
        {
            var work = await member.Host.OpenWorkAsync(user.Remote, destination: null, cancellationToken);
            if (work is { Connection.HasPeerLeft: false }) return work;
            if (work is not null) await work.Connection.DisposeAsync();
            tried.Add(member);
        }
        return null;
    }

    private static string? AuthorityOf(HttpHead request)
    {
        string[] parts = request.StartLine.Split(' ');
        return parts is ["CONNECT", { Length: > 0 } authority, "HTTP/1.1" or "HTTP/1.0"] ? authority : null;
    }

    private async ValueTask NotFoundAsync(Connection user, CancellationToken cancellationToken)
    {
        var page = await notFound.ReadAsync(cancellationToken);
        byte[] head = Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"HTTP/1.1 404 Not Found\r\nContent-Length: {page.Length}\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n"));
        await Farewell.SayAsync(user, (byte[])[.. head, .. page.Span], time, cancellationToken);
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Debug, "user connection [{Remote}] closed: {Reason}")]
        internal static partial void Done(ILogger logger, System.Net.EndPoint? remote, CloseReason reason);
    }
}
