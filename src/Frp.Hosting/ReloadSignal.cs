using System.Runtime.InteropServices;

namespace Frp.Hosting;

/// <summary>SIGHUP: a program without a controlling terminal reads its configuration again. With one, the signal means that the terminal
/// is gone, and ends the program as ever.</summary>
public sealed partial class ReloadSignal : IAsyncDisposable
{
    private const int ReadOnly = 0; // O_RDONLY, everywhere

    private readonly SemaphoreSlim _asked = new(0);
    private readonly CancellationTokenSource _end = new();
    private readonly PosixSignalRegistration? _registration;
    private readonly Task _watching = Task.CompletedTask;
    private int _waiting; // 1 = a reload is waiting to be made, and will see whatever has changed since

    /// <summary>Takes the signal over until disposed, where it means a reload.</summary>
    /// <param name="reload">Reloads, and says what came of it. Called once at a time; signals meanwhile make one more. What it throws is thrown by <see cref="DisposeAsync"/>.</param>
    public ReloadSignal(Func<CancellationToken, Task> reload)
    {
        if (OperatingSystem.IsWindows() || HasTerminal()) return;
        _watching = WatchAsync(reload);
        _registration = PosixSignalRegistration.Create(PosixSignal.SIGHUP, context =>
        {
            context.Cancel = true;
            if (Interlocked.Exchange(ref _waiting, 1) == 0) _asked.Release();
        });
    }

    /// <summary>Gives the signal back. A reload that is being made is cancelled.</summary>
    public async ValueTask DisposeAsync()
    {
        _registration?.Dispose();
        await _end.CancelAsync();
        await _watching;
        _end.Dispose();
    }

    private async Task WatchAsync(Func<CancellationToken, Task> reload)
    {
        try
        {
            while (true)
            {
                await _asked.WaitAsync(_end.Token);
                Volatile.Write(ref _waiting, 0);
                await reload(_end.Token);
            }
        }
        catch (OperationCanceledException) when (_end.IsCancellationRequested)
        {
            // Asked to.
        }
    }

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
