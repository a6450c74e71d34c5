using System.Net.Quic;
using System.Runtime.Versioning;

namespace Frp.Transport;

/// <summary>The bytes of a QUIC stream.</summary>
/// <remarks>
/// A peer that closes a stream has said its last, and wants no more to be sent (STOP_SENDING 0). What is written to it then is dropped as long as its last
/// words have not been read to their end, so that a failing write does not take them along; from then on writes fail.
/// </remarks>
/// <param name="stream">Not owned.</param>
[SupportedOSPlatform("linux")]
[SupportedOSPlatform("macos")]
[SupportedOSPlatform("windows")]
internal sealed class QuicByteStream(QuicStream stream) : DuplexStream
{
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => stream.ReadAsync(buffer, cancellationToken);

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var writing = stream.WriteAsync(buffer, cancellationToken);
        return writing.IsCompletedSuccessfully ? writing : FinishAsync(writing);
    }

    public override Task FlushAsync(CancellationToken cancellationToken) => stream.FlushAsync(cancellationToken);

    private async ValueTask FinishAsync(ValueTask writing)
    {
        try
        {
            await writing;
        }
        catch (QuicException e) when (e is { QuicError: QuicError.StreamAborted, ApplicationErrorCode: 0 } && !stream.ReadsClosed.IsCompleted)
        {
            // As above.
        }
    }
}
