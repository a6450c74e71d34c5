using Frp.Client;
using Frp.Config;
using Frp.Hosting;
using Microsoft.Extensions.Logging;

namespace Frpc;

/// <summary>One client of this process: from its configuration to its end.</summary>
/// <remarks>Load it, then run it, once each.</remarks>
internal sealed class ClientService
{
    private readonly Func<LoadedConfig<ClientConfig>> _load;
    private ClientConfig? _config;
    private FrpClient? _client;
    private ILogger? _logger;

    /// <summary>A client that has done nothing yet.</summary>
    /// <param name="path">The configuration file; empty = the command line says it all.</param>
    /// <param name="load">Loads the configuration.</param>
    internal ClientService(string path, Func<LoadedConfig<ClientConfig>> load) => (Path, _load) = (path, load);

    /// <summary>The configuration file; empty = there is none.</summary>
    internal string Path { get; }

    /// <summary>The client verifies somebody by the system's certificate authorities. Known once it is loaded.</summary>
    internal bool NeedsSystemTrust => _config!.Transport.ProxyUrl.StartsWith("https", StringComparison.OrdinalIgnoreCase);

    /// <summary>Loads the configuration and shows its warnings.</summary>
    /// <exception cref="ConfigException">It cannot be used.</exception>
    internal void Load()
    {
        (_config, var warnings) = _load();
        ConsoleProgram.ShowWarnings(warnings);
    }

    /// <summary>Runs the client until it has ended or is asked to stop, and stops it in good order.</summary>
    /// <param name="logs">Where its log is opened.</param>
    /// <param name="stopAsked">Completes when it shall stop.</param>
    /// <param name="stop">Fires then.</param>
    /// <exception cref="LoginFailedException">The first login failed, and that was to be the end.</exception>
    /// <exception cref="ConfigException">The configuration asks for what cannot be had.</exception>
    /// <exception cref="IOException">The log cannot be opened.</exception>
    internal async Task RunAsync(LogSet logs, Task stopAsked, CancellationToken stop)
    {
        var config = _config ?? throw new InvalidOperationException("not loaded");
        var loggers = logs.Open(LogOptions.Of(config.Log));
        _logger = loggers.CreateLogger("frpc/program");
        if (Path.Length > 0) ProgramLog.Starting(_logger, Path);
        await using var client = new FrpClient(config, loggers);
        try
        {
            await client.StartAsync(stop);
            Volatile.Write(ref _client, client);
            if (await Task.WhenAny(client.Completion, stopAsked) == client.Completion)
            {
                await client.Completion;
                return;
            }
            ProgramLog.Stopping(_logger);
            await client.StopAsync(ConsoleProgram.DrainTime);
        }
        finally
        {
            Volatile.Write(ref _client, null);
            if (Path.Length > 0) ProgramLog.Stopped(_logger, Path);
        }
    }

    /// <summary>Says in the log what the client holds, if it runs.</summary>
    internal void ReportState()
    {
        if (Volatile.Read(ref _client) is { } client) ProgramLog.State(_logger!, client.DescribeState());
    }
}
