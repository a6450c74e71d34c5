using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Frp.Config;

/// <summary>Where a secret comes from instead of the configuration file: a file, or the output of a program.</summary>
public sealed class ValueSource
{
    // A secret is a line; whoever points at a device or a chatty program learns it from an error, not from memory use.
    private const int MaxValueBytes = 1 << 20;

    // Compat: a program that yields no value would hold up a start for ever.
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);

    /// <summary>Where the value comes from; <c>exec</c> needs the flag <c>--allow-unsafe=TokenSourceExec</c>.</summary>
    [Needed] [Allowed("file", "exec")] public string Type { get; set; } = "";
    /// <summary>The file.</summary>
    [Needed(When = nameof(Type), Is = "file")] public FileSource? File { get; set; }
    /// <summary>The program.</summary>
    [Needed(When = nameof(Type), Is = "exec")] public ExecSource? Exec { get; set; }

    internal void Validate(ConfigErrors errors, string prefix, UnsafeFeatures allowUnsafe)
    {
        switch (Type)
        {
            case "file":
                if (File is null) errors.Add("", prefix + "file configuration is required when type is 'file'");
                else if (File.Path.Length == 0) errors.Add("file.path", prefix + "file path cannot be empty");
                break;
            case "exec":
                if (!allowUnsafe.HasFlag(UnsafeFeatures.TokenSourceExec))
                    errors.Add("type", "unsafe feature \"TokenSourceExec\" is not enabled. To enable it, ensure it is allowed in the configuration or command line flags");
                if (Exec is null) errors.Add("", prefix + "exec configuration is required when type is 'exec'");
                else Exec.Validate(errors.In("exec"), prefix);
                break;
            default:
                errors.Add("type", $"{prefix}unsupported value source type: {Type} (only 'file' and 'exec' are supported)");
                break;
        }
    }

    /// <summary>The value: the file's content or the program's standard output, without white space around it.</summary>
    /// <param name="cancellation">Ends a program that takes too long; it has a minute at most.</param>
    /// <exception cref="ConfigException">The file cannot be read, or the program failed or took too long.</exception>
    public Task<string> ResolveAsync(CancellationToken cancellation) => ResolveAsync(Limit, cancellation);

    internal async Task<string> ResolveAsync(TimeSpan limit, CancellationToken cancellation)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        deadline.CancelAfter(limit);
        try
        {
            return Type switch
            {
                "file" when File is not null => await ReadFileAsync(File.Path, deadline.Token),
                "exec" when Exec is not null => await RunAsync(Exec, deadline.Token),
                _ => throw new ConfigException($"unsupported value source type: {Type} (only 'file' and 'exec' are supported)"),
            };
        }
        catch (OperationCanceledException e) when (!cancellation.IsCancellationRequested)
        {
            string what = Type == "file" ? $"read file {File!.Path}" : $"execute command {Exec!.Command}";
            throw new ConfigException(string.Create(CultureInfo.InvariantCulture, $"failed to {what}: no value within {limit.TotalSeconds:0.###} s"), e);
        }
    }

    private static async Task<string> ReadFileAsync(string path, CancellationToken cancellation)
    {
        try
        {
            await using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, 4096, useAsync: true);
            return await ReadValueAsync(stream, cancellation);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new ConfigException($"failed to read file {path}: {OsText.Of("open", path, e)}", e);
        }
    }

    private static async Task<string> RunAsync(ExecSource source, CancellationToken cancellation)
    {
        var start = new ProcessStartInfo(source.Command) { RedirectStandardOutput = true, RedirectStandardInput = true, UseShellExecute = false };
        foreach (var argument in source.Args)
            start.ArgumentList.Add(argument);
        foreach (var variable in source.Env)
            start.Environment[variable.Name] = variable.Value;
        try
        {
            using var process = Process.Start(start) ?? throw new InvalidOperationException("no process");
            try
            {
                process.StandardInput.Close();
                var value = await ReadValueAsync(process.StandardOutput.BaseStream, cancellation);
                await process.WaitForExitAsync(cancellation);
                return process.ExitCode == 0 ? value : throw new InvalidOperationException($"exit status {process.ExitCode}");
            }
            catch
            {
                process.Kill(entireProcessTree: true);
                throw;
            }
        }
        catch (Exception e) when (e is IOException or Win32Exception or InvalidOperationException or UnauthorizedAccessException)
        {
            throw new ConfigException($"failed to execute command {source.Command}: {e.Message}", e);
        }
    }

    private static async Task<string> ReadValueAsync(Stream stream, CancellationToken cancellation)
    {
        using var value = new MemoryStream();
        var buffer = new byte[4096];
        int count;
        while ((count = await stream.ReadAsync(buffer, cancellation)) > 0)
        {
            if (value.Length + count > MaxValueBytes)
                throw new IOException($"value is larger than {MaxValueBytes} bytes");
            value.Write(buffer, 0, count);
        }
        return Encoding.UTF8.GetString(value.GetBuffer().AsSpan(0, (int)value.Length)).Trim();
    }
}

/// <summary>A file that holds a value.</summary>
public sealed class FileSource
{
    /// <summary>Path, relative to the working directory; white space around the content does not count.</summary>
    [Needed] public string Path { get; set; } = "";
}

/// <summary>A program whose output is a value; run without a shell.</summary>
public sealed class ExecSource
{
    /// <summary>The program, run without a shell; its output is the value.</summary>
    [Needed] public string Command { get; set; } = "";
    /// <summary>Its arguments.</summary>
    public List<string> Args { get; set; } = [];
    /// <summary>Variables added to this process's environment.</summary>
    public List<NameValueConfig> Env { get; set; } = [];

    internal void Validate(ConfigErrors errors, string prefix)
    {
        if (Command.Length == 0)
            errors.Add("command", prefix + "exec command cannot be empty");
        for (var i = 0; i < Env.Count; i++)
            if (Env[i].Name.Length == 0)
                errors.Add($"env[{i}].name", prefix + "exec env name cannot be empty");
            else if (Env[i].Name.Contains('=', StringComparison.Ordinal))
                errors.Add($"env[{i}].name", prefix + "exec env name cannot contain '='");
    }
}
