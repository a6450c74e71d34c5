using Frp.Config;
using Frp.Config.Flags;
using Frp.Proxies;

namespace Frpc;

/// <summary>The commands about NAT traversal.</summary>
/// <remarks>Source: cli specification §7.</remarks>
internal static class NatHoleCommand
{
    internal static Command Create(ClientFlags flags)
    {
        string stunServer = "";
        var command = new Command("nathole", "Questions about NAT traversal")
        {
            Declare = c =>
            {
                c.Persistent.Text("nat_hole_stun_server", null, "", "STUN server, instead of the configuration's", v => stunServer = v);
                c.Persistent.Text("nat_hole_local_addr", 'l', "", "local address to ask from", _ => { });
            },
        };
        command.Add(new Command("discover", "Find out the type of the NAT with the help of a STUN server") { Run = () => DiscoverAsync(flags, stunServer) });
        return command;
    }

    private static Task DiscoverAsync(ClientFlags flags, string stunServer)
    {
        if (stunServer.Length == 0) stunServer = ConfiguredServer(flags);
        if (stunServer.Length == 0) throw new ConfigException("nat_hole_stun_server can not be empty");
        throw new ConfigException("discover error: NAT discovery is not available in this release of the client yet");
    }

    // The file is used if it can be: the question makes sense without one.
    private static string ConfiguredServer(ClientFlags flags)
    {
        try
        {
            return ConfigLoader.LoadClient(flags.ConfigFile, ProxyKinds.Catalog, flags.Options(LoadPurpose.Find)).Config.NatHoleStunServer;
        }
        catch (ConfigException)
        {
            var defaults = new ClientConfig();
            defaults.Complete(static _ => null);
            return defaults.NatHoleStunServer;
        }
    }
}
