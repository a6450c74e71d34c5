using Frp.Config;
using Frp.Config.Flags;
using Frp.Hosting;
using Frp.Server;
using Frp.Transport;
using Frp.Wire;
using Frps;

NativeHeap.UseOneArena();
SocketCompletions.RunInline();
SystemTrust.LeaveUnloaded(); // clients are verified against the configured file, or not at all
WarmUp.Start(handshake: true);

var root = new Command("frps", "frps is the server of frp, a fast reverse proxy");
var verify = root.Add(new Command("verify", "Verify that the configures is valid"));
var flags = new ServerFlags(root);
return await ConsoleProgram.RunAsync(root, args, async invocation =>
{
    if (invocation.IsRoot && flags.WantsVersion)
    {
        Console.WriteLine(ProductVersion.Own);
        return;
    }
    if (invocation.Command == verify)
    {
        Verify();
        return;
    }
    await ServeAsync();
});

void Verify()
{
    if (flags.ConfigFile.Length == 0)
    {
        Console.WriteLine("frps: the configuration file is not specified");
        return;
    }
    foreach (string warning in flags.Load(LoadPurpose.Verify).Warnings) Console.WriteLine($"WARNING: {warning}");
    Console.WriteLine($"frps: the configuration file {flags.ConfigFile} syntax is ok");
}

async Task ServeAsync()
{
    var (config, warnings) = flags.Load(LoadPurpose.Run);
    foreach (string warning in warnings) Console.WriteLine($"WARNING: {warning}");
    DescriptorLimit.RaiseToHard();
    using var signals = new StopSignals();
    using var loggers = ConsoleProgram.OpenLog(config.Log.To, config.Log.Level, config.Log.MaxDays, !config.Log.DisablePrintColor);
    var logger = loggers.CreateLogger("frps/program");
    if (flags.ConfigFile.Length > 0) ProgramLog.UsesFile(logger, flags.ConfigFile);
    else ProgramLog.UsesFlags(logger);
    var program = new ServerProgram
    {
        LoadConfig = flags.ConfigFile.Length == 0 ? null : strict => ConfigLoader.LoadServer(flags.ConfigFile, flags.Options(LoadPurpose.Run) with { Strict = strict }),
        SetLogLevel = level => loggers.Level = LogOptions.ParseLevel(level),
    };
    await using var server = new FrpServer(config, loggers, program: program);
    using var state = new StateSignal(() => ProgramLog.State(logger, server.DescribeState()));
    await server.StartAsync(signals.Stop);
    await signals.WaitAsync(TimeProvider.System);
    ProgramLog.Stopping(logger);
    await server.StopAsync(ConsoleProgram.DrainTime);
}
