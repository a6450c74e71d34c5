using System.Text;
using Frp.Proxies;

namespace Frp.Config.Tests;

/// <summary>Shortcuts that tests share: text in, configuration or error lines out.</summary>
internal static class Loading
{
    public static readonly LoadOptions Verify = new() { Purpose = LoadPurpose.Verify, Environment = _ => null };

    public static ServerConfig Server(string text, string name = "frps.toml", LoadOptions? options = null) =>
        ConfigLoader.LoadServer(Encoding.UTF8.GetBytes(text), name, options ?? Verify).Config;

    public static ClientConfig Client(string text, string name = "frpc.toml", LoadOptions? options = null) =>
        ConfigLoader.LoadClient(Encoding.UTF8.GetBytes(text), name, ProxyKinds.Catalog, options ?? Verify).Config;

    public static string[] ServerErrors(string text, string name = "frps.toml", LoadOptions? options = null) =>
        Lines(Assert.Throws<ConfigException>(() => Server(text, name, options)));

    public static string[] ClientErrors(string text, string name = "frpc.toml", LoadOptions? options = null) =>
        Lines(Assert.Throws<ConfigException>(() => Client(text, name, options)));

    public static void ServerError(string text, string line) => Assert.Equal([line], ServerErrors(text));

    public static void ClientError(string text, string line) => Assert.Equal([line], ClientErrors(text));

    private static string[] Lines(ConfigException e) => e.Message.Split('\n');
}
