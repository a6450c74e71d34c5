using System.Runtime.InteropServices;

namespace Frp.Hosting;

/// <summary>SIGINT and SIGTERM: the first asks for an ordered stop, the second ends the process at once.</summary>
public sealed class StopSignals : IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly PosixSignalRegistration _interrupt;
    private readonly PosixSignalRegistration _terminate;
    private int _received;

    /// <summary>Takes over both signals until disposed.</summary>
    public StopSignals()
    {
        _interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal);
        _terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal);
    }

    /// <summary>Fires on the first signal.</summary>
    public CancellationToken Stop => _stop.Token;

    /// <summary>Waits for the first signal, and meanwhile tidies up behind the start and behind busy times.</summary>
    public async Task WaitAsync(TimeProvider time)
    {
        await Task.Delay(StartupMemory.StartTime, time, Stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!Stop.IsCancellationRequested) StartupMemory.Release();
        await IdleMemory.OfProcess().WatchAsync(time, Stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _interrupt.Dispose();
        _terminate.Dispose();
        _stop.Dispose();
    }

    private void OnSignal(PosixSignalContext context)
    {
        if (Interlocked.Increment(ref _received) > 1) return; // not cancelled: the default action ends the process now
        context.Cancel = true;
        _stop.Cancel();
    }
}
