using System.Diagnostics;

namespace Frp.Transport.Tests;

/// <summary>Somebody else's implementation at the other end: programs of the machine.</summary>
internal static class Foreign
{
    internal static void RequireTool(string name)
    {
        var path = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator);
        Assert.SkipUnless(path.Any(folder => File.Exists(Path.Combine(folder, name))), $"{name} is not installed");
    }

    /// <summary>Runs a program to its end.</summary>
    internal static async Task<(int ExitCode, string Output)> RunAsync(string name, string input, params string[] arguments)
    {
        using var process = Start(name, arguments);
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync(Patience.Token);
        var errors = process.StandardError.ReadToEndAsync(Patience.Token);
        await process.WaitForExitAsync(Patience.Token);
        return (process.ExitCode, await output + await errors);
    }

    internal static Process Start(string name, params string[] arguments)
    {
        var start = new ProcessStartInfo(name) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        return Process.Start(start)!;
    }
}
