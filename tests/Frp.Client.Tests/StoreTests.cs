using System.Runtime.Versioning;
using System.Text;
using Frp.Config;
using Frp.Proxies;

namespace Frp.Client.Tests;

/// <summary>The store's file: what is in it is what is in memory, whatever happens.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class StoreTests : IDisposable
{
    private static readonly EntryJson Json = new(ProxyKinds.Catalog);
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("frp-store-");

    private string StoreFile => Path.Combine(_folder.FullName, "data", "store.json");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void A_store_that_is_not_there_is_empty_and_made_by_the_first_change()
    {
        var store = EntryStore.Open(StoreFile, Json);
        Assert.Empty(store.Entries.Proxies);
        Assert.False(Directory.Exists(Path.GetDirectoryName(StoreFile)));
        store.Add(Proxy("a", """{"localPort":1,"nobodyKnows":{"x":1},"plugin":{"type":"socks5","strange":1}}"""));
        Assert.Equal(DurableFile.OwnerOnly, File.GetUnixFileMode(StoreFile));
        Assert.Equal(
            """
            {
              "proxies": [
                {
                  "name": "a",
                  "type": "tcp",
                  "transport": {
                    "bandwidthLimit": ""
                  },
                  "loadBalancer": {
                    "group": ""
                  },
                  "healthCheck": {
                    "type": "",
                    "intervalSeconds": 0
                  },
                  "localPort": 1,
                  "plugin": {
                    "type": "socks5"
                  }
                }
              ]
            }
            """,
            File.ReadAllText(StoreFile));
        Assert.Equal([StoreFile], Directory.GetFiles(Path.GetDirectoryName(StoreFile)!));
    }

    [Fact]
    public void What_was_changed_is_there_after_a_restart()
    {
        var store = EntryStore.Open(StoreFile, Json);
        store.Add(Proxy("b", """{"localPort":1}"""));
        store.Add(Proxy("a", """{"localPort":2}"""));
        store.Add(Json.Read<VisitorConfig>("""{"serverName":"a","bindPort":3}"""u8, "a", "stcp"));
        store.Replace(Proxy("b", """{"localPort":4}"""));
        Assert.Equal("a:2 b:4", Shown(store));
        var again = EntryStore.Open(StoreFile, Json);
        Assert.Equal(("a:2 b:4", "a"), (Shown(again), again.Entries.Visitors.Single().Name));
        again.Remove<ProxyConfig>("a");
        again.Remove<ProxyConfig>("b");
        Assert.Equal(("", "a"), (Shown(EntryStore.Open(StoreFile, Json)), again.Entries.Visitors.Single().Name));
        again.Remove<VisitorConfig>("a");
        Assert.Equal("{}", File.ReadAllText(StoreFile));
    }

    [Fact]
    public void Names_are_taken_once_and_unknown_ones_are_not_found()
    {
        var store = EntryStore.Open(StoreFile, Json);
        store.Add(Proxy("a", "{}"));
        Assert.Equal((StoreFault.AlreadyExists, "already exists: proxy \"a\""), Fault(() => store.Add(Proxy("a", "{}"))));
        Assert.Equal((StoreFault.NotFound, "not found: proxy \"x\""), Fault(() => store.Replace(Proxy("x", "{}"))));
        Assert.Equal((StoreFault.NotFound, "not found: visitor \"a\""), Fault(() => store.Remove<VisitorConfig>("a")));
    }

    [Fact]
    public void A_disk_that_refuses_changes_nothing()
    {
        var store = EntryStore.Open(StoreFile, Json);
        store.Add(Proxy("a", """{"localPort":1}"""));
        string before = File.ReadAllText(StoreFile);
        Directory.CreateDirectory(StoreFile + ".tmp"); // where the draft would be
        foreach (Action change in (Action[])[() => store.Add(Proxy("b", "{}")), () => store.Replace(Proxy("a", """{"localPort":2}""")), () => store.Remove<ProxyConfig>("a")])
        {
            var (fault, message) = Fault(change);
            Assert.Equal(StoreFault.NotPersisted, fault);
            Assert.StartsWith("failed to persist: ", message, StringComparison.Ordinal);
            Assert.Equal(("a:1", before), (Shown(store), File.ReadAllText(StoreFile)));
        }
        Directory.Delete(StoreFile + ".tmp");
        store.Add(Proxy("b", """{"localPort":3}"""));
        Assert.Equal("a:1 b:3", Shown(EntryStore.Open(StoreFile, Json)));
    }

    [Fact]
    public void A_store_is_not_larger_than_a_file_may_be()
    {
        var store = EntryStore.Open(StoreFile, Json);
        string large = new('x', ConfigFile.MaxBytes * 2 / 3);
        store.Add<ProxyConfig>(new TcpProxyConfig { Name = "a", Type = "tcp", LocalIP = large });
        Assert.Equal(StoreFault.NotPersisted, Fault(() => store.Add<ProxyConfig>(new TcpProxyConfig { Name = "b", Type = "tcp", LocalIP = large })).Fault);
        Assert.Single(EntryStore.Open(StoreFile, Json).Entries.Proxies);
    }

    [Theory]
    [InlineData("", "failed to parse JSON")]
    [InlineData("{\"proxies\":[{\"name\":\"a\",\"ty", "failed to parse JSON")]
    [InlineData("[]", "cannot unmarshal array into object")]
    [InlineData("{\"proxies\":{}}", "cannot unmarshal object")]
    [InlineData("{\"proxies\":[{\"name\":\"a\",\"type\":\"tcp\"},{\"name\":\"b\",\"type\":\"nothing\"}]}", "failed to decode proxy at index 1: unknown proxy type: nothing")]
    [InlineData("{\"visitors\":[{\"name\":\"a\"}]}", "failed to decode visitor at index 0: unknown visitor type: ")]
    [InlineData("{\"proxies\":[{\"type\":\"tcp\"}]}", "proxy name cannot be empty")]
    [InlineData("{\"proxies\":[{\"name\":\"a\",\"type\":\"tcp\"},{\"name\":\"a\",\"type\":\"udp\"}]}", "proxy name [a] is duplicated")]
    public void A_file_that_cannot_be_understood_is_refused_and_left_alone(string content, string words)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(StoreFile)!);
        File.WriteAllText(StoreFile, content);
        var e = Assert.Throws<ConfigException>(() => EntryStore.Open(StoreFile, Json));
        Assert.Contains("failed to create store source: failed to load existing data: ", e.Message, StringComparison.Ordinal);
        Assert.Contains(words, e.Message, StringComparison.Ordinal);
        Assert.Contains(StoreFile, e.Message, StringComparison.Ordinal);
        Assert.Equal(content, File.ReadAllText(StoreFile));
    }

    [Fact]
    public void A_store_lies_beside_the_file_that_names_it_and_is_opened_with_it()
    {
        string path = Path.Combine(_folder.FullName, "frpc.toml");
        File.WriteAllText(path, "store.path = 'data/store.json'\n[[proxies]]\nname = 'a'\ntype = 'tcp'\nlocalPort = 1\n[[proxies]]\nname = 'b'\ntype = 'tcp'\nlocalPort = 2");
        var file = ClientConfigFile.Open(path, ProxyKinds.Catalog);
        file.Store!.Add(Proxy("b", """{"localPort":3}"""));
        Assert.Equal(StoreFile, Directory.GetFiles(_folder.FullName, "*.json", SearchOption.AllDirectories).Single());
        Assert.Equal("a:1 b:3", Shown(file.Select()));
        Assert.Equal("a:1 b:3", Shown(ClientConfigFile.Open(path, ProxyKinds.Catalog).Loaded.Config));
        // Mistakes of both files are told at once.
        File.WriteAllText(StoreFile, "{");
        File.AppendAllText(path, "\n[[proxies]]\nname = 'c'\ntype = 'tcp'\nlocalPort = 70000");
        var e = Assert.Throws<ConfigException>(() => ClientConfigFile.Open(path, ProxyKinds.Catalog));
        Assert.Equal(2, e.Errors.Count);
        // What is stored has to be valid, too.
        File.WriteAllText(path, "store.path = 'data/store.json'");
        File.WriteAllText(StoreFile, """{"proxies":[{"name":"a","type":"tcp","localPort":70000},{"name":"off","type":"tcp","localPort":70000,"enabled":false}]}""");
        Assert.Contains($"{StoreFile}: proxies[0].localPort: proxy a: localPort", Assert.Throws<ConfigException>(() => ClientConfigFile.Open(path, ProxyKinds.Catalog)).Message, StringComparison.Ordinal);
    }

    private static ProxyConfig Proxy(string name, string block) => Json.Read<ProxyConfig>(Encoding.UTF8.GetBytes(block), name, "tcp");

    private static string Shown(EntryStore store) => string.Join(' ', store.Entries.Proxies.Select(p => $"{p.Name}:{p.LocalPort}"));

    private static string Shown(ClientConfig config) => string.Join(' ', config.Proxies.Select(p => $"{p.Name}:{p.LocalPort}"));

    private static (StoreFault Fault, string Message) Fault(Action change)
    {
        var e = Assert.Throws<StoreException>(change);
        return (e.Fault, e.Message);
    }
}
