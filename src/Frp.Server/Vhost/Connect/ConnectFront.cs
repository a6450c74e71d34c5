using System.Globalization;
using System.Net;
using System.Text;
using Frp.Proxies;
using Frp.Transport;
using Frp.Web;
using Frp.Wire;
using Microsoft.Extensions.Logging;

namespace Frp.Server;

/// <summary>
/// The front of byte streams that users ask for by CONNECT. Either it answers the request and hands on what follows, or it hands on
/// the request itself (pass-through), for the service to answer.
/// </summary>
/// <remarks>Source: wire specification §14.6.</remarks>
internal sealed partial class ConnectFront : IVhostFront
{
    // As much as heads have that carry tickets of some directory; nobody who is known has longer ones.
    private const int MaxHeadLength = 64 * 1024;

    // Source: wire specification §22.
    private static readonly TimeSpan HeadTimeout = TimeSpan.FromSeconds(30);

    private static readonly byte[] Established = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"u8.ToArray();
    private static readonly byte[] Unauthorized =
        "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"Restricted\"\r\nContent-Length: 0\r\n\r\n"u8.ToArray();

    private readonly VhostTable<ConnectRoute> _names;
    private readonly bool _passThrough;
    private readonly NotFoundPage _notFound;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;

    /// <summary>Serves nobody yet.</summary>
    /// <param name="port">Where users come in.</param>
    /// <param name="passThrough">Services see the CONNECT and answer it.</param>
    /// <param name="notFound">For hosts that nobody serves.</param>
    /// <param name="ingress">Where names are claimed.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Told of users who are refused.</param>
    internal ConnectFront(int port, bool passThrough, NotFoundPage notFound, IIngressRegistry ingress, TimeProvider time, ILogger logger)
    {
        _names = new VhostTable<ConnectRoute>("connect", port, ingress);
        (_passThrough, _notFound, _time, _logger) = (passThrough, notFound, time, logger);
    }

    /// <summary>Takes a host name, for everybody or for one user.</summary>
    /// <param name="route">The name and what users must show.</param>
    /// <param name="owner">The proxy's name on the wire.</param>
    /// <exception cref="PeerRefusedException">Somebody has the name.</exception>
    internal IUserListener Listen(ConnectRoute route, string owner) => _names.Listen(new RouteKey(route.Domain, "", route.RouteByUser), route, owner);

    /// <inheritdoc/>
    public async Task ServeAsync(Connection connection, CancellationToken cancellationToken)
    {
        var owned = connection;
        using var deadline = new Deadline(HeadTimeout, _time, cancellationToken);
        try
        {
            var (head, surplus) = await HttpHead.ReadAsync(connection.Stream, default, MaxHeadLength, deadline.Token);
            if (ConnectRequest.TryParse(head.Span) is not { } request)
            {
                Log.NotConnect(_logger, connection.Remote);
                return;
            }
            if (!_names.TryFind(request.Host, request.Credentials.User, out var target))
            {
                Log.NoRoute(_logger, connection.Remote, PeerText.Escape(request.Host, 256));
                byte[] answer = await NotFoundAsync(deadline.Token);
                owned = null;
                await Farewell.SayAsync(connection, answer, _time, cancellationToken);
            }
            else if (target.Route.User.Length > 0 && !request.Credentials.Matches(target.Route.User, target.Route.Password))
            {
                Log.Unauthorized(_logger, connection.Remote, PeerText.Escape(request.Host, 256));
                owned = null;
                // Compat: the request is answered with success before the credentials are looked at (docs/COMPAT.md, "CONNECT: 200 before 407").
                await Farewell.SayAsync(connection, _passThrough ? Unauthorized : [.. Established, .. Unauthorized], _time, cancellationToken);
            }
            else
            {
                var user = connection;
                if (_passThrough) user = new PrefixedConnection(connection, Together(head, surplus));
                else
                {
                    // Compat: what came along with the head is dropped (docs/COMPAT.md, "CONNECT: data before the 200").
                    await connection.Stream.WriteAsync(Established, deadline.Token);
                    await connection.Stream.FlushAsync(deadline.Token);
                }
                if (target.Listener.TryOffer(user)) owned = null;
                else Log.NotTaken(_logger, connection.Remote, PeerText.Escape(target.Route.Domain, 256));
            }
        }
        catch (OperationCanceledException) when (deadline.HasPassed)
        {
            throw deadline.Passed("CONNECT request");
        }
        finally
        {
            if (owned is not null) await owned.DisposeAsync();
        }
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private static byte[] Together(ReadOnlyMemory<byte> head, ReadOnlyMemory<byte> surplus) => [.. head.Span, .. surplus.Span];

    private async ValueTask<byte[]> NotFoundAsync(CancellationToken cancellationToken)
    {
        var page = await _notFound.ReadAsync(cancellationToken);
        string head = string.Create(CultureInfo.InvariantCulture,
            $"HTTP/1.1 404 Not Found\r\nContent-Length: {page.Length}\r\nContent-Type: text/html\r\nServer: frp/{ProductVersion.Compatible}\r\n\r\n");
        return [.. Encoding.ASCII.GetBytes(head), .. page.Span];
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Debug, "[{Remote}] sent no CONNECT request")]
        internal static partial void NotConnect(ILogger logger, EndPoint? remote);

        [LoggerMessage(2, LogLevel.Debug, "no proxy for host [{Host}] that [{Remote}] asks for")]
        internal static partial void NoRoute(ILogger logger, EndPoint? remote, string host);

        [LoggerMessage(3, LogLevel.Debug, "[{Remote}] showed no valid credentials for host [{Host}]")]
        internal static partial void Unauthorized(ILogger logger, EndPoint? remote, string host);

        [LoggerMessage(4, LogLevel.Warning, "connection of [{Remote}] to [{Domain}] closed: the proxy takes no more")]
        internal static partial void NotTaken(ILogger logger, EndPoint? remote, string domain);
    }
}
