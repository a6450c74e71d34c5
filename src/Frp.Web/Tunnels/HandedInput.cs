using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace Frp.Web;

/// <summary>What a user says to the HTTP server: read ahead of it, by <see cref="ReadAheadBytes"/> at most.</summary>
/// <remarks>
/// <para>The server continues where the kernel's event was seen. It is told of the user's end only when it has looked at everything before
/// that and wants more: it takes an end that comes along with the last bytes of a body for one that came too early.</para>
/// <para><b>Concurrency.</b> One reader; <see cref="ReceiveAsync"/> runs once.</para>
/// </remarks>
/// <param name="stream">The user's connection. Not owned.</param>
internal sealed class HandedInput(Stream stream) : PipeReader
{
    private const int IdleBufferBytes = 1024; // what a connection holds that waits for a request; most heads fit
    private const int BusyBufferBytes = 64 * 1024;
    private const int ReadAheadBytes = 256 * 1024;

    private static readonly PipeOptions Options = new(
        readerScheduler: PipeScheduler.Inline, writerScheduler: PipeScheduler.Inline, pauseWriterThreshold: ReadAheadBytes, resumeWriterThreshold: ReadAheadBytes / 2,
        minimumSegmentSize: IdleBufferBytes, useSynchronizationContext: false);

    private readonly Pipe _pipe = new(Options);
    private ReadOnlySequence<byte> _last; // all that is left, once the user has ended
    private long _seen; // how much of what is left then the server has looked at
    private bool _hasEnded;

    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        var reading = _pipe.Reader.ReadAsync(cancellationToken);
        return reading.IsCompletedSuccessfully ? new(Judge(reading.GetAwaiter().GetResult())) : JudgeAsync(reading);
    }

    public override bool TryRead(out ReadResult result)
    {
        if (!_pipe.Reader.TryRead(out result)) return false;
        result = Judge(result);
        return true;
    }

    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        if (_hasEnded)
        {
            _seen = _last.Slice(consumed, examined).Length;
            _last = default;
        }
        _pipe.Reader.AdvanceTo(consumed, examined);
    }

    public override void CancelPendingRead() => _pipe.Reader.CancelPendingRead();

    public override void Complete(Exception? exception = null) => _pipe.Reader.Complete(exception);

    /// <summary>Reads what the user says to his end. What he says when the server has completed its side is ignored, up to a bound.</summary>
    /// <exception cref="IOException">The user has reset the connection, or it was closed here; so say <see cref="ObjectDisposedException"/>
    /// and <see cref="System.Net.Sockets.SocketException"/>.</exception>
    internal async Task ReceiveAsync()
    {
        for (int room = 0; ;)
        {
            var buffer = _pipe.Writer.GetMemory(room);
            int count = await stream.ReadAsync(buffer, CancellationToken.None);
            if (count == 0) return;
            room = count == buffer.Length ? BusyBufferBytes : 0;
            _pipe.Writer.Advance(count);
            var flushed = await _pipe.Writer.FlushAsync();
            if (flushed.IsCompleted) break;
        }
        var ignored = new byte[2048];
        for (int total = 0; total < Farewell.MaxIgnoredBytes;)
        {
            int count = await stream.ReadAsync(ignored, CancellationToken.None);
            if (count == 0) return;
            total += count;
        }
    }

    /// <summary>There will be no more.</summary>
    /// <param name="reason">Null when the user has ended in order.</param>
    internal void End(Exception? reason) => _pipe.Writer.Complete(reason);

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<ReadResult> JudgeAsync(ValueTask<ReadResult> reading) => Judge(await reading);

    private ReadResult Judge(ReadResult result)
    {
        if (!result.IsCompleted) return result;
        (_hasEnded, _last) = (true, result.Buffer);
        return result.Buffer.Length > _seen ? new ReadResult(result.Buffer, result.IsCanceled, isCompleted: false) : result;
    }
}
