using Frp.Client;
using Frp.Config;
using Frp.Config.Flags;
using Frp.Hosting;
using Frp.Proxies;
using Microsoft.Extensions.Logging;

namespace Frpc;

/// <summary>One client of this process, from its configuration to its end: <see cref="Load"/> it, then run it, once each.</summary>
internal sealed class ClientService
{
    private readonly Func<(LoadedConfig<ClientConfig> Loaded, Func<ILoggerFactory, FrpClient> Create)> _open;
    private ClientConfig? _config;
    private Func<ILoggerFactory, FrpClient>? _create;
    private ILogger? _logger;
    private FrpClient? _running;

    private ClientService(string path, Func<(LoadedConfig<ClientConfig>, Func<ILoggerFactory, FrpClient>)> open) => (Path, _open) = (path, open);

    /// <summary>A client of a configuration file, which can be read again.</summary>
    internal static ClientService OfFile(string path, ClientFlags flags) => new(path, () =>
    {
        var file = ClientConfigFile.Open(path, ProxyKinds.Catalog, flags.Options(LoadPurpose.Run));
        return (file.Loaded, loggers => new FrpClient(file, loggers) { RequestedStopTime = ConsoleProgram.DrainTime });
    });

    /// <summary>A client that the command line describes.</summary>
    internal static ClientService OfFlags(ClientConfig config, ClientFlags flags) => new("", () => (flags.Check(config), loggers => new FrpClient(config, loggers)));

    /// <summary>The configuration file; empty = there is none.</summary>
    internal string Path { get; }

    /// <summary>The client verifies somebody by the system's certificate authorities. Known once it is loaded.</summary>
    internal bool NeedsSystemTrust =>
        _config!.Transport.ProxyUrl.StartsWith("https", StringComparison.OrdinalIgnoreCase) || _config.Transport.Tls.TrustSystemCAs || _config.Auth.AsksPublicServices;

    /// <summary>Loads the configuration and shows its warnings.</summary>
    /// <exception cref="ConfigException">It cannot be used.</exception>
    internal void Load()
    {
        ((_config, var warnings), _create) = _open();
        ConsoleProgram.ShowWarnings(warnings);
    }

    /// <summary>Runs the client until it has ended or is asked to stop, and stops it in good order.</summary>
    /// <param name="logs">Where its log is opened.</param>
    /// <param name="stopAsked">Completes when it shall stop.</param>
    /// <param name="stop">Fires then.</param>
    /// <exception cref="LoginFailedException">The first login failed, and that was to be the end.</exception>
    /// <exception cref="ConfigException">The configuration asks for what cannot be had.</exception>
    /// <exception cref="IOException">The log cannot be opened, or the admin API's port cannot be had.</exception>
    internal async Task RunAsync(LogSet logs, Task stopAsked, CancellationToken stop)
    {
        var loggers = logs.Open(LogOptions.Of(_config!.Log));
        var logger = _logger = loggers.CreateLogger("frpc/program");
        if (Path.Length > 0) ProgramLog.Starting(logger, Path);
        await using var client = _create!(loggers);
        try
        {
            await client.StartAsync(stop);
            Volatile.Write(ref _running, client);
            if (await Task.WhenAny(client.Completion, stopAsked) == client.Completion)
            {
                await client.Completion; // the first login failed, and that was to be the end; or the admin API was asked to stop
            }
            else
            {
                ProgramLog.Stopping(logger);
                await client.StopAsync(ConsoleProgram.DrainTime);
            }
        }
        finally
        {
            Volatile.Write(ref _running, null);
            if (Path.Length > 0) ProgramLog.Stopped(logger, Path);
        }
    }

    /// <summary>Reads the configuration again, if the client runs. What is wrong with it is told in the log.</summary>
    internal async Task ReloadAsync(CancellationToken cancellationToken)
    {
        if (Volatile.Read(ref _running) is not { } client) return;
        try
        {
            await client.ReloadAsync(cancellationToken: cancellationToken);
        }
        catch (Exception e) when (ConsoleProgram.IsExpected(e))
        {
            ProgramLog.ReloadFailed(_logger!, e.Message);
        }
    }

    /// <summary>Says in the log what the client holds, if it runs.</summary>
    internal void ReportState()
    {
        if (Volatile.Read(ref _running) is { } client) ProgramLog.State(_logger!, client.DescribeState());
    }
}
