using System.Runtime.InteropServices;

namespace Frp.Hosting;

/// <summary>SIGHUP: a program without a controlling terminal reads its configuration again. With one, the signal means that the terminal
/// is gone, and ends the program as ever.</summary>
public sealed partial class ReloadSignal : IDisposable
{
    private const int ReadOnly = 0; // O_RDONLY, everywhere

    private readonly SemaphoreSlim _asked = new(0);
    private readonly PosixSignalRegistration? _registration;
    private int _waiting; // 1 = a reload is waiting to be made, and will see whatever has changed since

    /// <summary>Takes the signal over until disposed, where it means a reload.</summary>
    public ReloadSignal()
    {
        if (OperatingSystem.IsWindows() || HasTerminal()) return;
        _registration = PosixSignalRegistration.Create(PosixSignal.SIGHUP, context =>
        {
            context.Cancel = true;
            if (Interlocked.Exchange(ref _waiting, 1) == 0) _asked.Release();
        });
    }

    /// <summary>Calls <paramref name="reload"/> for every signal, one at a time, until it is cancelled. Signals during a reload make one more.</summary>
    /// <param name="reload">Reloads. What it throws ends the wait.</param>
    /// <param name="cancellationToken">Ends the wait, without an exception.</param>
    public async Task WatchAsync(Func<CancellationToken, Task> reload, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(reload);
        try
        {
            while (true)
            {
                await _asked.WaitAsync(cancellationToken);
                Volatile.Write(ref _waiting, 0);
                await reload(cancellationToken);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // Asked to.
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _registration?.Dispose();

    // Only a process that has one can open it, whoever it is redirected to. Asked of the system itself: the answer is no for every service,
    // and an exception is a long way to it while the program starts.
    private static bool HasTerminal()
    {
        int descriptor = Open("/dev/tty", ReadOnly);
        return descriptor >= 0 && Close(descriptor) == 0;
    }

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "close")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Close(int descriptor);
}
