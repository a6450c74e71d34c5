using Frp.Config;
using Frp.Config.Flags;
using System.Net;
using Frp.Proxies;
using Frp.Transport;

namespace Frpc;

/// <summary>The commands about NAT traversal.</summary>
/// <remarks>Source: cli specification §7.</remarks>
internal static class NatHoleCommand
{
    internal static Command Create(ClientFlags flags)
    {
        string stunServer = "", localAddress = "";
        var command = new Command("nathole", "Questions about NAT traversal")
        {
            Declare = c =>
            {
                c.Persistent.Text("nat_hole_stun_server", null, "", "STUN server, instead of the configuration's", v => stunServer = v);
                c.Persistent.Text("nat_hole_local_addr", 'l', "", "local address to ask from", v => localAddress = v);
            },
        };
        command.Add(new Command("discover", "Find out the type of the NAT with the help of a STUN server") { Run = () => DiscoverAsync(flags, stunServer, localAddress) });
        return command;
    }

    private static async Task DiscoverAsync(ClientFlags flags, string stunServer, string localAddress)
    {
        if (stunServer.Length == 0) stunServer = ConfiguredServer(flags);
        if (stunServer.Length == 0) throw new ConfigException("nat_hole_stun_server can not be empty");
        try
        {
            var found = await NatDiscovery.AskAsync(stunServer, ParseLocal(localAddress), TimeProvider.System, CancellationToken.None);
            string[] external = [.. found.External.Select(e => e.ToString())];
            if (external.Length < 2) throw new ConfigException($"discover error: can not get enough addresses, need 2, got: [{string.Join(' ', external)}]");
            var profile = NatProfile.Of("", external, [.. NatDiscovery.OwnAddresses().Select(a => new IPEndPoint(a, found.Local.Port).ToString())]);
            Console.WriteLine($"STUN server: {stunServer}");
            Console.WriteLine($"Your NAT type is: {(profile.IsEasy ? "EasyNAT" : "HardNAT")}");
            Console.WriteLine($"Behavior is: {NameOf(profile.Behavior)}");
            Console.WriteLine($"External address is: [{string.Join(' ', external)}]");
            Console.WriteLine($"Local address is: {found.Local}");
            Console.WriteLine($"Public Network: {(profile.IsPublic ? "true" : "false")}");
        }
        catch (Exception e) when (e is IOException or TimeoutException)
        {
            throw new ConfigException($"discover error: {e.Message}");
        }
        catch (PeerRefusedException e)
        {
            throw new ConfigException(e.Message);
        }
    }

    private static string NameOf(NatBehavior behavior) => behavior switch
    {
        NatBehavior.NoChange => "BehaviorNoChange",
        NatBehavior.IpChanged => "BehaviorIPChanged",
        NatBehavior.PortChanged => "BehaviorPortChanged",
        _ => "BehaviorBothChanged",
    };

    private static IPEndPoint? ParseLocal(string text)
    {
        if (text.Length == 0) return null;
        return IPEndPoint.TryParse(text.StartsWith(':') ? IPAddress.Any + text : text, out var local) && local.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork
            ? local
            : throw new ConfigException($"discover error: [{text}] is not an IPv4 address with a port");
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
