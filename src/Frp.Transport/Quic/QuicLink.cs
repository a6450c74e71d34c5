using System.Net;
using System.Net.Quic;
using System.Runtime.Versioning;

namespace Frp.Transport;

/// <summary>A QUIC connection: its own multiplexer, each stream of the dialling end one logical connection.</summary>
/// <remarks>
/// <para><b>Ends.</b> A link that is over stays over. Disposal closes it with the code 0, and with it every stream.</para>
/// <para><b>Concurrency.</b> Streams may be opened by any number of callers, and are accepted by one.</para>
/// <para><b>Source.</b> Wire specification §4.5.</para>
/// </remarks>
[SupportedOSPlatform("linux")]
[SupportedOSPlatform("macos")]
[SupportedOSPlatform("windows")]
public sealed class QuicLink : IAsyncDisposable
{
    private static readonly TimeSpan CloseTimeout = TimeSpan.FromSeconds(2);

    private readonly QuicConnection _connection;
    private readonly ReadOnlyMemory<byte> _serverCertificateHash;
    private readonly TimeProvider _time;
    private int _ended;

    /// <summary>Takes a connection behind its handshake.</summary>
    /// <param name="connection">Owned.</param>
    /// <param name="serverCertificateHash">See <see cref="Connection.ServerCertificateHash"/>.</param>
    /// <param name="time">The clock.</param>
    internal QuicLink(QuicConnection connection, ReadOnlyMemory<byte> serverCertificateHash, TimeProvider time)
    {
        (_connection, _serverCertificateHash, _time) = (connection, serverCertificateHash, time);
        (Local, Remote) = (EndPoints.Unmap(connection.LocalEndPoint), EndPoints.Unmap(connection.RemoteEndPoint));
    }

    /// <summary>Our end.</summary>
    public EndPoint? Local { get; }

    /// <summary>The peer's end when the connection was made; it may have moved.</summary>
    public EndPoint? Remote { get; }

    /// <summary>Opens a stream, now the caller's. The peer learns of it with its first bytes.</summary>
    /// <exception cref="IOException">The link is over.</exception>
    public async ValueTask<Connection> OpenAsync(CancellationToken cancellationToken)
    {
        try
        {
            return Wrap(await _connection.OpenOutboundStreamAsync(QuicStreamType.Bidirectional, cancellationToken));
        }
        catch (ObjectDisposedException e)
        {
            throw new IOException("the QUIC connection is closed", e);
        }
    }

    /// <summary>The peer's next stream, now the caller's.</summary>
    /// <exception cref="IOException">The link is over; <see cref="ReasonOf"/> says how.</exception>
    public async ValueTask<Connection> AcceptAsync(CancellationToken cancellationToken)
    {
        try
        {
            return Wrap(await _connection.AcceptInboundStreamAsync(cancellationToken));
        }
        catch (ObjectDisposedException e)
        {
            throw new IOException("the QUIC connection is closed", e);
        }
    }

    /// <summary>Sorts the end of a link.</summary>
    public static CloseReason ReasonOf(Exception exception) => exception is QuicException quic
        ? quic.QuicError switch
        {
            QuicError.ConnectionAborted when quic.ApplicationErrorCode == 0 => new CloseReason(CloseKind.EndOfStream, "the peer closed the QUIC connection"),
            QuicError.ConnectionIdle or QuicError.ConnectionTimeout => new CloseReason(CloseKind.Timeout, "the peer is silent", exception),
            QuicError.OperationAborted => new CloseReason(CloseKind.LocalClose, "closed"),
            _ => new CloseReason(CloseKind.Reset, quic.Message, exception),
        }
        : CloseReason.From(exception);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _ended, 1) == 0)
        {
            using var deadline = new Deadline(CloseTimeout, _time, CancellationToken.None);
            try
            {
                await _connection.CloseAsync(0, deadline.Token);
            }
            catch (Exception e) when (e is QuicException or OperationCanceledException or ObjectDisposedException)
            {
                // It was over, or the peer does not hear of it.
            }
        }
        await _connection.DisposeAsync();
    }

    private QuicStreamConnection Wrap(QuicStream stream) => new(stream, Local, Remote, _serverCertificateHash, _time);

    /// <inheritdoc/>
    public override string ToString() => $"quic {Remote}";
}
