using System.Runtime.InteropServices;

namespace Frp.Hosting;

/// <summary>SIGUSR1: a program that is asked how it is says so in its log. Does nothing where there is no such signal.</summary>
public sealed class StateSignal : IDisposable
{
    // The platform names no user signals and takes their raw numbers instead. Source: signal(7); signal.h of the BSDs and macOS.
    private const int LinuxUser1 = 10;
    private const int BsdUser1 = 30;

    private readonly PosixSignalRegistration? _registration;

    /// <summary>Calls <paramref name="report"/> on every signal, until disposed.</summary>
    public StateSignal(Action report)
    {
        int number = OperatingSystem.IsLinux() ? LinuxUser1 : OperatingSystem.IsMacOS() || OperatingSystem.IsFreeBSD() ? BsdUser1 : 0;
        if (number == 0) return;
        _registration = PosixSignalRegistration.Create((PosixSignal)number, context =>
        {
            context.Cancel = true;
            report();
        });
    }

    /// <inheritdoc/>
    public void Dispose() => _registration?.Dispose();
}
