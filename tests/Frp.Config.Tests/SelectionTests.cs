using System.Text;
using Frp.Proxies;

namespace Frp.Config.Tests;

/// <summary>Which of the entries in a file and a store run.</summary>
public sealed class SelectionTests
{
    private static readonly EntryJson Json = new(ProxyKinds.Catalog);
    private static readonly LoadOptions Run = new() { Environment = _ => null };

    [Theory]
    [InlineData("", "a:1 b:2 c:3")]
    [InlineData("start = ['c', 'a', 'nobody']", "a:1 c:3")]
    [InlineData("start = ['s']", "")]
    public void Without_a_store_the_file_decides(string common, string expected) =>
        Assert.Equal(expected, Shown(Document($"{common}\n{Tcp("c", 3)}{Tcp("a", 1)}{Tcp("b", 2)}{Tcp("off", 4, "enabled = false")}").Select()));

    [Fact]
    public void An_enabled_entry_of_the_store_takes_the_files_place_and_a_disabled_one_does_not()
    {
        var document = Document($"{Tcp("a", 1)}{Tcp("b", 2)}{Tcp("c", 3, "enabled = false")}");
        var stored = Stored(Entry("b", 20), Entry("a", 10, "\"enabled\":false"), Entry("c", 30), Entry("d", 40));
        Assert.Equal("a:1 b:20 c:30 d:40", Shown(document.Select(stored)));
        // The same document serves again, when the store has changed.
        Assert.Equal("a:1 b:2", Shown(document.Select(Stored())));
    }

    [Fact]
    public void Start_chooses_among_stored_entries_too() =>
        Assert.Equal("s:5", Shown(Document($"start = ['s']\n{Tcp("a", 1)}").Select(Stored(Entry("s", 5), Entry("t", 6)))));

    [Fact]
    public void What_is_hidden_or_switched_off_is_not_judged()
    {
        var document = Document($"{Tcp("a", 70000)}{Tcp("b", 70000, "enabled = false")}");
        Assert.Equal("a:1", Shown(document.Select(Stored(Entry("a", 1), Entry("off", 70000, "\"enabled\":false")))));
        Assert.Contains("localPort: port number 70000", Fault(() => document.Select(Stored())), StringComparison.Ordinal);
    }

    [Fact]
    public void Mistakes_of_file_and_store_are_told_together_with_their_places()
    {
        var document = Document($"bindPort = 1\n{Tcp("a", 70000)}");
        Assert.Equal(
            [
                "frpc.toml:1: json: unknown field \"bindPort\"",
                "frpc.toml:5: proxies[0].localPort: proxy a: localPort: localPort: port number 70000 must be in the range 0..65535",
                "store.json: proxies[0].localPort: proxy s: localPort: localPort: port number 80000 must be in the range 0..65535",
            ],
            Fault(() => document.Select(Stored(Entry("s", 80000)), "store.json")).Split('\n'));
    }

    [Fact]
    public void Names_are_judged_over_all_entries_of_the_file()
    {
        string[] faults = Fault(() => Document($"{Tcp("a", 1)}{Tcp("a", 2, "enabled = false")}{Tcp("", 3, "enabled = false")}").Select()).Split('\n');
        Assert.Equal(2, faults.Length);
        Assert.Contains("proxy name [a] is duplicated", faults[0], StringComparison.Ordinal);
        Assert.Contains("proxy name cannot be empty", faults[1], StringComparison.Ordinal);
    }

    [Fact]
    public void A_store_keeps_its_entries_without_defaults()
    {
        var stored = Stored(Entry("s", 5));
        var selected = Document("").Select(stored).Config.Proxies.Single();
        Assert.Equal(("127.0.0.1", ""), (selected.LocalIP, stored.Proxies[0].LocalIP));
    }

    [Fact]
    public void Visitors_are_chosen_likewise()
    {
        var document = Document("[[visitors]]\nname = 'v'\ntype = 'stcp'\nserverName = 'x'\nbindPort = 1\n");
        var stored = Json.ReadAll("""{"visitors":[{"name":"v","type":"stcp","serverName":"x","bindPort":2},{"name":"w","type":"stcp","serverName":"x","bindPort":3,"enabled":false}]}"""u8, "store");
        Assert.Equal(2, document.Select(stored).Config.Visitors.Single().BindPort);
        Assert.Equal(1, document.Select().Config.Visitors.Single().BindPort);
    }

    [Fact]
    public void Options_that_only_a_restart_applies_are_named_without_their_values()
    {
        var running = Loading.Client("serverAddr = '1.2.3.4'\nauth.token = 'old'\nstart = ['a']\nmetadatas.a = '1'\n[[proxies]]\nname = 'a'\ntype = 'tcp'");
        Assert.Empty(ChangedKeys.NeedingRestart(running, Loading.Client("serverAddr = '1.2.3.4'\nserverPort = 7000\nauth.token = 'old'\nmetadatas.a = '1'\nversion = '2'")));
        Assert.Equal(
            ["auth.token", "auth.tokenSource", "log.level", "metadatas", "store.path", "transport.poolCount", "user"],
            ChangedKeys.NeedingRestart(running, Loading.Client(
                "serverAddr = '1.2.3.4'\nuser = 'me'\nauth.tokenSource = { type = 'file', file = { path = 'f' } }\nlog.level = 'trace'\nmetadatas.a = '2'\nstore.path = 's'\ntransport.poolCount = 3")).Order());
    }

    private static ClientDocument Document(string text)
    {
        string content = text;
        return ConfigLoader.ReadClient("frpc.toml", ProxyKinds.Catalog, Run with { ReadFile = _ => Encoding.UTF8.GetBytes(content) });
    }

    private static ClientEntries Stored(params string[] proxies) => Json.ReadAll(Encoding.UTF8.GetBytes($$"""{"proxies":[{{string.Join(',', proxies)}}]}"""), "store.json");

    private static string Entry(string name, int localPort, string more = "\"x\":1") => $$"""{"name":"{{name}}","type":"tcp","localPort":{{localPort}},{{more}}}""";

    private static string Tcp(string name, int localPort, string more = "") => $"[[proxies]]\nname = '{name}'\ntype = 'tcp'\nlocalPort = {localPort}\n{more}\n";

    private static string Shown(LoadedConfig<ClientConfig> loaded) => string.Join(' ', loaded.Config.Proxies.Select(p => $"{p.Name}:{p.LocalPort}"));

    private static string Fault(Func<object> act) => Assert.Throws<ConfigException>(act).Message;
}
