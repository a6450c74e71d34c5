using Frp.TestKit;

namespace Frp.EndToEnd.Tests;

/// <summary>A secret proxy for byte streams as a client's configuration has it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="LocalPort">The local service.</param>
/// <param name="More">Further lines.</param>
/// <param name="Key">Its secret.</param>
internal sealed record SecretProxy(string Name, int LocalPort, string More = "", string Key = SecretProxy.DefaultKey)
{
    internal const string DefaultKey = "between us";

    internal string Started => $"[{Name}] start proxy success";

    public override string ToString() => $"\n[[proxies]]\nname = \"{Name}\"\ntype = \"stcp\"\nsecretKey = \"{Key}\"\nlocalPort = {LocalPort}\n{More}\n";
}

/// <summary>A visitor of a <see cref="SecretProxy"/>.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Target">The proxy's name.</param>
/// <param name="Port">Where users reach it.</param>
/// <param name="More">Further lines.</param>
/// <param name="Key">The secret that it proves.</param>
internal sealed record Visitor(string Name, string Target, int Port, string More = "", string Key = SecretProxy.DefaultKey)
{
    internal string Started => $"[{Name}] start visitor success";

    public override string ToString() => $"\n[[visitors]]\nname = \"{Name}\"\ntype = \"stcp\"\nserverName = \"{Target}\"\nsecretKey = \"{Key}\"\nbindPort = {Port}\n{More}\n";
}

/// <summary>Tunnels between a client that offers and one that visits.</summary>
public abstract class SecretTunnelTest : TunnelTest
{
    /// <summary>Starts a client and waits until its proxies run.</summary>
    private protected async Task<RunningProgram> OfferAsync(int port, string[] lines, params SecretProxy[] proxies)
    {
        var client = StartClient(port, [.. lines, string.Concat<SecretProxy>(proxies)]);
        foreach (var proxy in proxies) await client.WaitForTextAsync(proxy.Started);
        return client;
    }

    /// <summary>Starts a client and waits until its visitors run.</summary>
    private protected async Task<RunningProgram> VisitAsync(int port, string[] lines, params Visitor[] visitors)
    {
        var client = StartClient(port, [.. lines, string.Concat<Visitor>(visitors)]);
        foreach (var visitor in visitors) await client.WaitForTextAsync(visitor.Started);
        return client;
    }

    /// <summary>Checks that a user of a visitor is sent away without a word.</summary>
    private protected static async Task RefusedAsync(Visitor visitor)
    {
        using var user = await User.ConnectAsync(visitor.Port);
        Assert.Empty(await user.ReceiveToEndAsync());
    }
}
