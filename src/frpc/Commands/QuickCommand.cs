using Frp.Config;
using Frp.Config.Flags;
using Frp.Proxies;

namespace Frpc;

/// <summary>The command of a kind: one proxy, or one visitor below it, that is described by flags alone.</summary>
/// <remarks>The configuration is made with the flags that fill it, for the command that is run. Source: cli specification §5, §6.</remarks>
internal sealed class QuickCommand
{
    private readonly ProxyKind _kind;
    private readonly ClientFlags _flags;
    private ClientConfig? _client;
    private ProxyConfig? _proxy;
    private VisitorConfig? _visitor;

    private QuickCommand(ProxyKind kind, ClientFlags flags) => (_kind, _flags) = (kind, flags);

    /// <summary>Makes the command of a kind.</summary>
    internal static Command Create(ProxyKind kind, ClientFlags flags)
    {
        var quick = new QuickCommand(kind, flags);
        var command = new Command(kind.Name, $"Run one {kind.Name} proxy without a configuration file")
        {
            Declare = quick.DeclareProxy,
            Run = () => quick.RunAsync(quick._proxy!),
        };
        if (kind.VisitorType is not null)
        {
            command.Add(new Command("visitor", $"Run one {kind.Name} visitor without a configuration file")
            {
                Declare = quick.DeclareVisitor,
                Run = () => quick.RunAsync(quick._visitor!),
            });
        }
        return command;
    }

    // The client's flags are the visitor's too.
    private void DeclareProxy(Command command)
    {
        CommonFlags.DeclareClient(command.Persistent, _client = new ClientConfig());
        command.Persistent.DeclareFiles();
        _kind.DeclareFlags(command.Local, _proxy = _kind.CreateConfig(), FlagScope.Client);
        command.Local.DeclareFiles();
    }

    private void DeclareVisitor(Command command)
    {
        CommonFlags.DeclareVisitor(command.Local, _visitor = _kind.CreateVisitorConfig()!);
        command.Local.DeclareFiles();
    }

    private async Task RunAsync(EntryConfig entry)
    {
        var client = _client!;
        if (entry is VisitorConfig visitor) client.Visitors.Add(visitor);
        else client.Proxies.Add((ProxyConfig)entry);
        using var process = new ClientProcess();
        await process.RunAsync(ClientService.OfFlags(client, _flags));
    }
}
