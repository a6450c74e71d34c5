using Frp.Client;
using Frp.Config;
using Frp.Config.Flags;
using Frp.Hosting;
using Frp.Proxies;
using Frp.Transport;
using Frp.Wire;
using Frpc;

NativeHeap.UseOneArena();
SocketCompletions.RunInline();
SystemTrust.LeaveUnloaded();
WarmUp.Start(handshake: false);

var root = new Command("frpc", "frpc is the client of frp, a fast reverse proxy");
var verify = root.Add(new Command("verify", "Verify that the configures is valid"));
var flags = new ClientFlags(root);
return await ConsoleProgram.RunAsync(root, args, async invocation =>
{
    if (invocation.IsRoot && flags.WantsVersion)
    {
        Console.WriteLine(ProductVersion.Own);
        return;
    }
    if (flags.ConfigDirectory.Length > 0) throw new ConfigException("--config_dir is not supported by this release of the client yet");
    if (invocation.Command == verify)
    {
        Verify();
        return;
    }
    await ServeAsync();
});

void Verify()
{
    var loaded = ConfigLoader.LoadClient(flags.ConfigFile, ProxyKinds.Catalog, flags.Options(LoadPurpose.Verify));
    foreach (string warning in loaded.Warnings) Console.WriteLine($"WARNING: {warning}");
    Console.WriteLine($"frpc: the configuration file {flags.ConfigFile} syntax is ok");
}

async Task ServeAsync()
{
    var file = ClientConfigFile.Open(flags.ConfigFile, ProxyKinds.Catalog, flags.Options(LoadPurpose.Run));
    var (config, warnings) = file.Loaded;
    foreach (string warning in warnings) Console.WriteLine($"WARNING: {warning}");
    DescriptorLimit.RaiseToHard();
    // A server is verified against the configured file, or not at all; only a proxy reached by https is public.
    if (config.Transport.ProxyUrl.StartsWith("https", StringComparison.OrdinalIgnoreCase)) SystemTrust.Load();
    using var signals = new StopSignals();
    using var loggers = ConsoleProgram.OpenLog(config.Log.To, config.Log.Level, config.Log.MaxDays, !config.Log.DisablePrintColor);
    var logger = loggers.CreateLogger("frpc/program");
    ProgramLog.Starting(logger, flags.ConfigFile);
    await using var client = new FrpClient(file, loggers) { RequestedStopTime = ConsoleProgram.DrainTime };
    using var state = new StateSignal(() => ProgramLog.State(logger, client.DescribeState()));
    await client.StartAsync(signals.Stop);
    await Task.WhenAny(client.Completion, signals.WaitAsync(TimeProvider.System));
    if (client.Completion.IsCompleted)
    {
        await client.Completion; // the first login failed, and that was to be the end; or the admin API was asked to stop
    }
    else
    {
        ProgramLog.Stopping(logger);
        await client.StopAsync(ConsoleProgram.DrainTime);
    }
    ProgramLog.Stopped(logger, flags.ConfigFile);
}
