using System.Net;
using Frp.Proxies;
using Frp.Transport;
using Frp.Web;
using Frp.Wire;
using Microsoft.Extensions.Logging;

namespace Frp.Server;

/// <summary>
/// The front of TLS services: finds out by the host name of a ClientHello which proxy a connection is for, and hands it on with
/// not a byte changed. TLS ends at the service.
/// </summary>
/// <remarks>Source: wire specification §14.5.</remarks>
internal sealed partial class TlsFront : IVhostFront
{
    // Holds most hellos of today's browsers without a second buffer.
    private const int FirstBufferLength = 2048;

    // Source: wire specification §22.
    private static readonly TimeSpan HelloTimeout = TimeSpan.FromSeconds(30);

    // Layout: alert record(1) version(2) length(2) fatal(1) unrecognized_name(1). Source: RFC 8446 §6.2.
    private static readonly byte[] UnrecognizedName = [0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x70];

    private readonly VhostTable<string> _names;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;

    /// <summary>Serves nobody yet.</summary>
    /// <param name="port">Where users come in.</param>
    /// <param name="ingress">Where names are claimed.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Told of users who are refused.</param>
    internal TlsFront(int port, IIngressRegistry ingress, TimeProvider time, ILogger logger)
    {
        _names = new VhostTable<string>("tls", port, ingress);
        (_time, _logger) = (time, logger);
    }

    /// <summary>Takes a host name.</summary>
    /// <param name="domain">A host name, or a pattern that begins with <c>*</c>; any letter case.</param>
    /// <param name="owner">The proxy's name on the wire.</param>
    /// <returns>The users who ask for it; their ClientHello comes first.</returns>
    /// <exception cref="PeerRefusedException">Somebody has the name.</exception>
    internal IUserListener Listen(string domain, string owner) => _names.Listen(new RouteKey(domain, "", ""), domain, owner);

    /// <inheritdoc/>
    public async Task ServeAsync(Connection connection, CancellationToken cancellationToken)
    {
        var owned = connection;
        try
        {
            var (hello, serverName) = await ReadHelloAsync(connection, cancellationToken);
            string host = HostRoutes.Fold(serverName);
            if (!_names.TryFind(host, "", out var target))
            {
                Log.NoRoute(_logger, connection.Remote, PeerText.Escape(host, 256));
                owned = null;
                await Farewell.SayAsync(connection, UnrecognizedName, _time, cancellationToken);
            }
            // The relay sends what was read already and goes on with the bare socket, so nothing is lost by having read it.
            else if (target.Listener.TryOffer(new PrefixedConnection(connection, hello))) owned = null;
            else Log.NotTaken(_logger, connection.Remote, PeerText.Escape(target.Route, 256));
        }
        finally
        {
            if (owned is not null) await owned.DisposeAsync();
        }
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    /// <summary>Reads up to the end of the ClientHello, and whatever came along with it.</summary>
    private async ValueTask<(ReadOnlyMemory<byte> Bytes, string ServerName)> ReadHelloAsync(Connection connection, CancellationToken cancellationToken)
    {
        using var deadline = new Deadline(HelloTimeout, _time, cancellationToken);
        byte[] buffer = new byte[FirstBufferLength];
        int filled = 0;
        try
        {
            while (true)
            {
                int count = await connection.Stream.ReadAsync(buffer.AsMemory(filled), deadline.Token);
                if (count == 0) throw new EndOfStreamException();
                filled += count;
                switch (TlsClientHello.Read(buffer.AsSpan(0, filled), out string? serverName))
                {
                    case TlsClientHelloState.Complete:
                        return (buffer.AsMemory(0, filled), serverName!);
                    case TlsClientHelloState.Invalid:
                        throw new ProtocolViolationException("not a TLS ClientHello");
                    case TlsClientHelloState.Partial when filled == buffer.Length:
                        // The parser gives up before this is reached; a message that it takes is never longer.
                        if (filled >= TlsClientHello.MaxLength) throw new ProtocolViolationException("TLS ClientHello too long");
                        Array.Resize(ref buffer, Math.Min(buffer.Length * 2, TlsClientHello.MaxLength));
                        break;
                }
            }
        }
        catch (OperationCanceledException) when (deadline.HasPassed)
        {
            throw deadline.Passed("TLS ClientHello");
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Debug, "no proxy for host [{Host}] that [{Remote}] asks for")]
        internal static partial void NoRoute(ILogger logger, EndPoint? remote, string host);

        [LoggerMessage(2, LogLevel.Warning, "connection of [{Remote}] to [{Domain}] closed: the proxy takes no more")]
        internal static partial void NotTaken(ILogger logger, EndPoint? remote, string domain);
    }
}
