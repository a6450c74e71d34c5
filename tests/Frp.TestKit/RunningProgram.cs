using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;

namespace Frp.TestKit;

/// <summary>A program as a process of its own, with what it says.</summary>
/// <remarks><b>Ownership.</b> Disposing it kills it, with no chance to clean up, and waits for its end.</remarks>
public sealed partial class RunningProgram : IAsyncDisposable
{
    private const int SignalHangUp = 1;
    private const int SignalInterrupt = 2;
    private const int SignalTerminate = 15;
    private readonly Process _process;
    private readonly Task _reading;

    private RunningProgram(string name, Process process)
    {
        (Name, _process) = (name, process);
        _reading = ReadAsync();
    }

    /// <summary>What the test calls it.</summary>
    public string Name { get; }

    /// <summary>The process's id.</summary>
    public int Id => _process.Id;

    /// <summary>Standard output and standard error, as they came.</summary>
    public CapturedText Output { get; } = new();

    /// <summary>Standard error alone.</summary>
    public CapturedText Errors { get; } = new();

    /// <summary>Whether the process still runs.</summary>
    public bool IsRunning => !_process.HasExited;

    /// <summary>The process's open sockets. Other descriptors come and go with the runtime.</summary>
    public int SocketCount => new DirectoryInfo($"/proc/{Id}/fd").EnumerateFileSystemInfos().Count(f => f.LinkTarget?.StartsWith("socket:", StringComparison.Ordinal) == true);

    /// <summary>The process's threads.</summary>
    public int ThreadCount => Directory.GetDirectories($"/proc/{Id}/task").Length;

    /// <summary>Memory that the process holds, in bytes.</summary>
    public long ResidentBytes
    {
        get
        {
            _process.Refresh();
            return _process.WorkingSet64;
        }
    }

    /// <summary>Starts a program.</summary>
    /// <param name="name">What the test calls it.</param>
    /// <param name="file">The executable.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="environment">Its environment, all of it.</param>
    /// <param name="folder">Its working directory.</param>
    public static RunningProgram Start(string name, string file, IEnumerable<string> arguments, IReadOnlyDictionary<string, string> environment, string folder)
    {
        var start = new ProcessStartInfo(file, arguments)
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.UTF8,
            StandardErrorEncoding = Encoding.UTF8,
            WorkingDirectory = folder,
        };
        start.Environment.Clear();
        foreach (var (key, value) in environment) start.Environment[key] = value;
        Process process;
        lock (Ports.Gate) process = Process.Start(start) ?? throw new InvalidOperationException($"{file} did not start");
        process.StandardInput.Close();
        return new RunningProgram(name, process);
    }

    /// <summary>Waits for a text in the output.</summary>
    /// <param name="text">The text, in one piece.</param>
    /// <param name="times">How often it has to have occurred since the start.</param>
    public Task WaitForTextAsync(string text, int times = 1) => Output.WaitForAsync(text, times);

    /// <summary>Waits for the end of the process and of its output.</summary>
    /// <returns>The exit code, 128 + n after signal n.</returns>
    public async Task<int> WaitForExitAsync()
    {
        try
        {
            await Task.WhenAll(_reading, _process.WaitForExitAsync()).Soon();
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"{Name} still runs; it said:\n{Output}", e);
        }
        return _process.ExitCode;
    }

    /// <summary>Ends the process with no chance to clean up (SIGKILL).</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync().Soon();
    }

    /// <summary>Asks the process to end (SIGTERM).</summary>
    public void Terminate() => Signal(Id, SignalTerminate);

    /// <summary>Interrupts the process as Ctrl-C does (SIGINT).</summary>
    public void Interrupt() => Signal(Id, SignalInterrupt);

    /// <summary>Tells the process that its terminal is gone, or, when it has none, to reload (SIGHUP).</summary>
    public void HangUp() => HangUp(Id);

    /// <summary>The same for a process by its id, which is the caller's to know.</summary>
    public static void HangUp(int process) => Signal(process, SignalHangUp);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited) _process.Kill();
        await Task.WhenAll(_process.WaitForExitAsync(), _reading).Soon();
        _process.Dispose();
    }

    private static void Signal(int process, int number)
    {
        if (Kill(process, number) != 0) throw new InvalidOperationException($"no signal to process {process}: error {Marshal.GetLastPInvokeError()}");
    }

    private async Task ReadAsync()
    {
        await Task.WhenAll(ReadAsync(_process.StandardOutput, Output, null), ReadAsync(_process.StandardError, Output, Errors));
        Output.Complete();
        Errors.Complete();
    }

    private static async Task ReadAsync(StreamReader from, CapturedText to, CapturedText? also)
    {
        var buffer = new char[4096];
        while (await from.ReadAsync(buffer.AsMemory()) is var count and > 0)
        {
            also?.Append(buffer.AsSpan(0, count));
            to.Append(buffer.AsSpan(0, count));
        }
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Kill(int process, int signal);
}
