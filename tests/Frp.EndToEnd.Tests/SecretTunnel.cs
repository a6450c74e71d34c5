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
