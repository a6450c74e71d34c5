using System.ComponentModel;
using System.Diagnostics;

namespace Frp.Wire.Tests;

/// <summary>The Go program beside the tests, built once. Needs Go and the source package of its Snappy library.</summary>
public sealed class GoPeer : IAsyncLifetime
{
    private const string GoPath = "/usr/share/gocode";

    private static readonly TimeSpan BuildDeadline = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan RunDeadline = TimeSpan.FromMinutes(1);

    private readonly string _folder = Directory.CreateTempSubdirectory("frp-go-peer-").FullName;

    /// <summary>Why there is no peer; null when there is one.</summary>
    public string? Missing { get; private set; }

    private string Program => Path.Combine(_folder, "peer");

    public async ValueTask InitializeAsync()
    {
        if (!Directory.Exists(Path.Combine(GoPath, "src/github.com/golang/snappy")))
        {
            Missing = "golang-github-golang-snappy-dev is not installed";
            return;
        }
        var start = new ProcessStartInfo("go", ["build", "-o", Program, Path.Combine(AppContext.BaseDirectory, "GoPeer", "main.go")]);
        start.Environment["GO111MODULE"] = "off";
        start.Environment["GOPATH"] = GoPath;
        start.Environment["GOFLAGS"] = "";
        start.Environment["CGO_ENABLED"] = "0";
        try
        {
            await RunAsync(start, [], BuildDeadline);
        }
        catch (Win32Exception e)
        {
            Missing = $"go cannot be run: {e.Message}";
        }
    }

    public ValueTask DisposeAsync()
    {
        Directory.Delete(_folder, recursive: true);
        return default;
    }

    public Task<byte[]> RunAsync(byte[] input, params string[] arguments) => RunAsync(new ProcessStartInfo(Program, arguments), input, RunDeadline);

    private static async Task<byte[]> RunAsync(ProcessStartInfo start, byte[] input, TimeSpan limit)
    {
        start.RedirectStandardInput = start.RedirectStandardOutput = start.RedirectStandardError = true;
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        deadline.CancelAfter(limit);
        using var process = Process.Start(start) ?? throw new InvalidOperationException("no process");
        try
        {
            var output = new MemoryStream();
            var reading = process.StandardOutput.BaseStream.CopyToAsync(output, deadline.Token);
            var errors = process.StandardError.ReadToEndAsync(deadline.Token);
            try
            {
                await process.StandardInput.BaseStream.WriteAsync(input, deadline.Token);
                process.StandardInput.Close();
            }
            catch (IOException)
            {
                // The peer left early; its exit code says why.
            }
            await reading;
            await process.WaitForExitAsync(deadline.Token);
            Assert.True(process.ExitCode == 0, $"{start.FileName} {string.Join(' ', start.ArgumentList)}: {await errors}");
            return output.ToArray();
        }
        catch
        {
            process.Kill(entireProcessTree: true);
            throw;
        }
    }
}
