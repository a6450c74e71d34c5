using Frp.Config;
using Frp.Config.Flags;
using Frp.Hosting;
using Frp.Proxies;
using Frp.Wire;

namespace Frpc;

/// <summary>The commands of frpc.</summary>
internal static class ClientCommands
{
    /// <summary>Makes the program's commands. What they cost besides their names is due when one is run.</summary>
    internal static Command Create()
    {
        var flags = new ClientFlags();
        var root = new Command("frpc", "frpc is the client of frp, a fast reverse proxy") { Declare = flags.Declare, Run = () => RunAsync(flags) };
        root.Add(new Command("verify", "Check a configuration file without running it") { Run = () => VerifyAsync(flags) });
        root.Add(AdminCommand.Reload(Server, () => flags.IsStrict));
        root.Add(AdminCommand.Create("status", "Show the proxies of the running client", Server, StatusTable.AskAsync));
        root.Add(AdminCommand.Create("stop", "Stop the running client", Server, async api =>
        {
            await api.AskAsync(HttpMethod.Post, "/api/stop");
            return "stop success\n";
        }));
        root.Add(NatHoleCommand.Create(flags));
        foreach (var kind in ProxyKinds.All) root.Add(QuickCommand.Create(kind, flags));
        root.Add(CompletionCommand.Create(root));
        return root;

        WebServerConfig Server() => Load(flags, LoadPurpose.Find).Config.WebServer;
    }

    private static async Task RunAsync(ClientFlags flags)
    {
        if (flags.WantsVersion)
        {
            Console.WriteLine(ProductVersion.Own);
            return;
        }
        using var process = new ClientProcess();
        if (flags.ConfigDirectory.Length == 0)
        {
            await process.RunAsync(ClientService.OfFile(flags.ConfigFile, flags));
            return;
        }
        // Source: cli specification §3: whatever becomes of the clients, this ends with exit code 0.
        if (ConfigDirectory.Files(flags.ConfigDirectory, out string fault) is { } files) await process.RunAllAsync(files.Select(file => ClientService.OfFile(file, flags)));
        else Console.WriteLine(fault);
    }

    private static Task VerifyAsync(ClientFlags flags)
    {
        ConsoleProgram.ShowWarnings(Load(flags, LoadPurpose.Verify).Warnings);
        Console.WriteLine($"frpc: the configuration file {flags.ConfigFile} syntax is ok");
        return Task.CompletedTask;
    }

    private static LoadedConfig<ClientConfig> Load(ClientFlags flags, LoadPurpose purpose) =>
        ConfigLoader.LoadClient(flags.ConfigFile, ProxyKinds.Catalog, flags.Options(purpose));
}
