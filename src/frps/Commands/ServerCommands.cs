using Frp.Config;
using Frp.Config.Flags;
using Frp.Hosting;
using Frp.Server;
using Frp.Transport;
using Frp.Wire;
using Microsoft.Extensions.Logging;

namespace Frps;

/// <summary>The commands of frps.</summary>
internal static class ServerCommands
{
    /// <summary>Makes the program's commands.</summary>
    internal static Command Create()
    {
        var flags = new ServerFlags();
        var root = new Command("frps", "frps is the server of frp, a fast reverse proxy") { Declare = flags.Declare, Run = () => RunAsync(flags) };
        root.Add(new Command("verify", "Check a configuration file without running it") { Run = () => VerifyAsync(flags) });
        root.Add(AdminCommand.Reload(() => flags.Load(LoadPurpose.Find).Config.WebServer, () => flags.IsStrict));
        root.Add(CompletionCommand.Create(root));
        return root;
    }

    private static async Task RunAsync(ServerFlags flags)
    {
        if (flags.WantsVersion)
        {
            Console.WriteLine(ProductVersion.Own);
            return;
        }
        DescriptorLimit.RaiseToHard();
        var trustIsSettled = new ManualResetEventSlim();
        WarmUp.Start(trustIsSettled);
        var (config, warnings) = flags.Load(LoadPurpose.Run);
        bool trusts = NeedsSystemTrust(config);
        if (trusts) SystemTrust.Load();
        trustIsSettled.Set();
        ConsoleProgram.ShowWarnings(warnings);
        using var signals = new StopSignals();
        using var loggers = new FrpLoggerFactory(LogOptions.Of(config.Log));
        var logger = loggers.CreateLogger("frps/program");
        if (flags.ConfigFile.Length > 0) ProgramLog.UsesFile(logger, flags.ConfigFile);
        else ProgramLog.UsesFlags(logger);
        await using var server = new FrpServer(config, loggers, program: new ServerProgram
        {
            LoadConfig = flags.ConfigFile.Length > 0 ? strict => LoadAgain(flags, strict, trusts) : null,
            SetLogLevel = level => loggers.Level = LogOptions.ParseLevel(level),
        });
        using var state = new StateSignal(() => ProgramLog.State(logger, server.DescribeState()));
        var started = new TaskCompletionSource();
        await using var reload = new ReloadSignal(async token =>
        {
            await started.Task.WaitAsync(token);
            await ReloadAsync(server, flags.IsStrict, logger, token);
        });
        await server.StartAsync(signals.Stop);
        started.SetResult();
        await signals.WaitAsync(TimeProvider.System);
        ProgramLog.Stopping(logger);
        await server.StopAsync(ConsoleProgram.DrainTime);
    }

    private static LoadedConfig<ServerConfig> LoadAgain(ServerFlags flags, bool strict, bool trusts)
    {
        var loaded = ConfigLoader.LoadServer(flags.ConfigFile, flags.Options(LoadPurpose.Run) with { Strict = strict });
        // The platform looks for them once in the life of a process.
        if (!trusts && NeedsSystemTrust(loaded.Config)) throw new ConfigException("httpPlugins: the first plug-in with tlsVerify needs a restart, since frps has started without the system's certificate authorities");
        return loaded;
    }

    /// <summary>Whether somebody is verified by the system's certificate authorities. Clients never are.</summary>
    private static bool NeedsSystemTrust(ServerConfig config) =>
        config.Auth.AsksPublicServices || config.HttpPlugins.Exists(plugin => plugin.TlsVerify && plugin.Addr.StartsWith("https", StringComparison.OrdinalIgnoreCase));

    private static async Task ReloadAsync(FrpServer server, bool strict, ILogger logger, CancellationToken cancellationToken)
    {
        try
        {
            await server.ReloadAsync(strict, cancellationToken);
        }
        catch (ConfigException e)
        {
            ProgramLog.ReloadFailed(logger, e.Message);
        }
    }

    private static Task VerifyAsync(ServerFlags flags)
    {
        if (flags.ConfigFile.Length == 0)
        {
            Console.WriteLine("frps: the configuration file is not specified");
            return Task.CompletedTask;
        }
        ConsoleProgram.ShowWarnings(flags.Load(LoadPurpose.Verify).Warnings);
        Console.WriteLine($"frps: the configuration file {flags.ConfigFile} syntax is ok");
        return Task.CompletedTask;
    }
}
