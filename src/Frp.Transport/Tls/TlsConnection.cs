using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;

namespace Frp.Transport;

/// <summary>A connection inside TLS.</summary>
/// <remarks>
/// <para><b>Ends.</b> Half-close is TLS's own close_notify, and then the carrier's. The orderly end sends it too, so that the peer can tell the end
/// from a cut; a peer that does not read is given <see cref="GoodbyeTimeout"/>.</para>
/// </remarks>
internal sealed class TlsConnection : Connection
{
    private static readonly TimeSpan GoodbyeTimeout = TimeSpan.FromSeconds(2);

    private readonly Connection _inner;
    private readonly SslStream _ssl;
    private readonly TimeProvider _timeProvider;
    private int _saidGoodbye;
    private int _ended;

    private TlsConnection(Connection inner, SslStream ssl, TimeProvider timeProvider)
    {
        _inner = inner;
        _ssl = ssl;
        _timeProvider = timeProvider;
    }

    public override Stream Stream => _ssl;

    public override EndPoint? Local => _inner.Local;

    public override EndPoint? Remote => _inner.Remote;

    public override CarrierLayers Layers => _inner.Layers | CarrierLayers.Tls;

    public override ReadOnlyMemory<byte> ServerCertificateHash => (_ssl.IsServer ? _ssl.LocalCertificate : _ssl.RemoteCertificate)?.GetCertHash(HashAlgorithmName.SHA256);

    public override bool CanHalfClose => true;

    public override bool HasPeerLeft => _inner.HasPeerLeft;

    public override LinkState State => _inner.State;

    /// <summary>The handshake of either side, over a connection that is closed when it fails.</summary>
    /// <param name="inner">Owned from here on.</param>
    /// <param name="timeProvider">The clock.</param>
    /// <param name="markerByte">Sent in clear before the first record; null for none.</param>
    /// <param name="isHeavy">Whether our side signs, or looks for a chain of certificates: not on an event thread.</param>
    /// <param name="authenticate">The side.</param>
    /// <param name="refusal">Why we have refused the peer, once we have.</param>
    /// <param name="cancellationToken">Carries the deadline.</param>
    internal static async ValueTask<Connection> HandshakeAsync(
        Connection inner, TimeProvider timeProvider, byte? markerByte, bool isHeavy, Func<SslStream, CancellationToken, Task> authenticate,
        Func<string?> refusal, CancellationToken cancellationToken)
    {
        var gathering = new GatheringStream(inner.Stream) { OffloadReads = isHeavy };
        // "Not left open" only means disposed with it, which the gathering stream takes calmly; left open it would be flushed,
        // which may fail, or wait.
        var ssl = new SslStream(gathering, leaveInnerStreamOpen: false);
        try
        {
            // Gathered with the ClientHello: a byte on its own would cost a packet, and a delay on slow links.
            if (markerByte is { } marker) await gathering.WriteAsync(new[] { marker }, cancellationToken);
            await authenticate(ssl, cancellationToken);
            gathering.OffloadReads = false;
            return new TlsConnection(inner, ssl, timeProvider);
        }
        catch (Exception e)
        {
            if (e is AuthenticationException) await SendAlertAsync(gathering, timeProvider);
            await inner.DisposeAsync();
            await ssl.DisposeAsync();
            if (e is AuthenticationException failure) throw TlsFailure.Explained(failure, refusal());
            // The platform's own look at a ClientHello, for the server name, reads beyond what some malformed ones hold. Found by fuzzing .NET 10.0.
            if (e is IndexOutOfRangeException or ArgumentOutOfRangeException) throw new AuthenticationException("malformed TLS handshake", e);
            throw;
        }
    }

    public override async ValueTask CompleteWritesAsync(CancellationToken cancellationToken)
    {
        if (Interlocked.Exchange(ref _saidGoodbye, 1) != 0) return;
        try
        {
            await _ssl.FlushAsync(cancellationToken);
            await _ssl.ShutdownAsync().WaitAsync(cancellationToken);
            await _ssl.FlushAsync(cancellationToken);
        }
        catch (Exception e) when (e is not IOException && TlsFailure.ReasonOf(e) is { } why)
        {
            throw new IOException(why, e); // behind a peer's refusal OpenSSL has no goodbye to say, and the platform throws what it throws nowhere else
        }
        // The carrier's own end follows: whatever swallows the bytes in between still passes that on, and nobody is stranded.
        if (_inner.CanHalfClose) await _inner.CompleteWritesAsync(cancellationToken);
    }

    public override void Abort()
    {
        Interlocked.Exchange(ref _ended, 1);
        _inner.Abort();
        _ssl.Dispose();
    }

    public override async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _ended, 1) != 0)
        {
            await _inner.DisposeAsync();
            return;
        }
        using (var deadline = new Deadline(GoodbyeTimeout, _timeProvider, CancellationToken.None))
        {
            try
            {
                await CompleteWritesAsync(deadline.Token);
            }
            catch (Exception e) when (IsPeerGone(e))
            {
                // The peer is gone or does not read, or a write is still under way: there is nobody to say goodbye to.
            }
        }
        await _inner.DisposeAsync();
        await _ssl.DisposeAsync();
    }

    // A refused handshake leaves an alert behind that tells the peer why.
    private static async ValueTask SendAlertAsync(GatheringStream gathering, TimeProvider timeProvider)
    {
        using var deadline = new Deadline(GoodbyeTimeout, timeProvider, CancellationToken.None);
        try
        {
            await gathering.FlushAsync(deadline.Token);
        }
        catch (Exception e) when (IsPeerGone(e))
        {
            // It will find out without.
        }
    }

    private static bool IsPeerGone(Exception e) => e is IOException or InvalidOperationException or OperationCanceledException
        or AuthenticationException or System.Net.Sockets.SocketException;

    public override string ToString() => $"tls over {_inner}";
}
