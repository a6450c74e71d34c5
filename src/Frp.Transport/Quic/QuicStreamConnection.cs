using System.Net;
using System.Net.Quic;
using System.Runtime.Versioning;

namespace Frp.Transport;

/// <summary>A stream of a <see cref="QuicLink"/>, seen as a connection.</summary>
/// <remarks>
/// <b>Ends.</b> As the reference ends one: FIN, and STOP_SENDING with the code 0 for what the peer still sends. A peer who takes nothing for
/// <see cref="LingerTimeout"/> loses what was written.
/// </remarks>
[SupportedOSPlatform("linux")]
[SupportedOSPlatform("macos")]
[SupportedOSPlatform("windows")]
internal sealed class QuicStreamConnection(QuicStream stream, EndPoint? local, EndPoint? remote, ReadOnlyMemory<byte> serverCertificateHash, TimeProvider time) : Connection
{
    private static readonly TimeSpan LingerTimeout = TimeSpan.FromSeconds(10);

    private int _ended;

    public override Stream Stream { get; } = new QuicByteStream(stream);

    public override EndPoint? Local => local;

    public override EndPoint? Remote => remote;

    public override CarrierLayers Layers => CarrierLayers.Tls;

    public override ReadOnlyMemory<byte> ServerCertificateHash => serverCertificateHash;

    public override bool CanHalfClose => true;

    public override bool HasPeerLeft => stream.ReadsClosed.IsCompleted || stream.WritesClosed.IsFaulted;

    // Packets are sent again until the peer has them, whatever becomes of the stream's other direction.
    public override LinkState State => stream.ReadsClosed.IsCompleted && stream.WritesClosed.IsCompleted ? LinkState.Gone : LinkState.Delivered;

    public override ValueTask CompleteWritesAsync(CancellationToken cancellationToken)
    {
        stream.CompleteWrites();
        return ValueTask.CompletedTask;
    }

    public override void Abort()
    {
        Interlocked.Exchange(ref _ended, 1);
        TryAbort(QuicAbortDirection.Both);
    }

    public override async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _ended, 1) == 0)
        {
            try
            {
                stream.CompleteWrites();
            }
            catch (Exception e) when (e is IOException or InvalidOperationException)
            {
                // A write is under way, or there is nobody to write to.
            }
            TryAbort(QuicAbortDirection.Read);
            try
            {
                await stream.WritesClosed.WaitAsync(LingerTimeout, time);
            }
            catch (Exception e) when (e is IOException or TimeoutException or OperationCanceledException)
            {
                TryAbort(QuicAbortDirection.Write);
            }
        }
        await stream.DisposeAsync();
    }

    private void TryAbort(QuicAbortDirection direction)
    {
        try
        {
            stream.Abort(direction, 0);
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            // It is over.
        }
    }

    public override string ToString() => $"quic stream of {remote}";
}
