using Frp.Proxies;

namespace Frp.Config.Tests;

/// <summary>Names, filters, kinds.</summary>
public class EntryTests
{
    private static string Proxy(string name, string more = "") => $"[[proxies]]\nname = \"{name}\"\ntype = \"tcp\"\n{more}\n";
    private static string Visitor(string name, string more = "") => $"[[visitors]]\nname = \"{name}\"\ntype = \"stcp\"\nserverName = \"s\"\nbindPort = 1\n{more}\n";
    private static string[] Names(ClientConfig config) => [.. config.Proxies.Select(p => p.Name), .. config.Visitors.Select(v => "v:" + v.Name)];

    [Fact]
    public void Entries_stand_in_name_order() =>
        Assert.Equal(["B", "a", "c", "v:x", "v:y"], Names(Loading.Client(Proxy("c") + Proxy("a") + Proxy("B") + Visitor("y") + Visitor("x"))));

    [Fact]
    public void Start_chooses_and_enabled_takes_out()
    {
        var entries = Proxy("a") + Proxy("b", "enabled = false") + Proxy("c", "enabled = true") + Visitor("a") + Visitor("d", "enabled = false");
        Assert.Equal(["a", "c", "v:a"], Names(Loading.Client(entries)));
        Assert.Equal(["c"], Names(Loading.Client("start = [\"b\", \"c\", \"d\", \"nobody\"]\n" + entries)));
    }

    [Fact]
    public void What_is_taken_out_is_not_validated_but_must_be_readable()
    {
        Assert.Empty(Names(Loading.Client(Proxy("a", "enabled = false\nlocalPort = 99999"))));
        Assert.Contains("cannot unmarshal string into int", Loading.ClientErrors(Proxy("a", "enabled = false\nlocalPort = \"x\""))[0], StringComparison.Ordinal);
    }

    [Fact]
    public void Names_are_unique_among_proxies_and_among_visitors_disabled_ones_too()
    {
        Assert.Equal(["a", "v:a"], Names(Loading.Client(Proxy("a") + Visitor("a"))));
        Loading.ClientError(Proxy("a") + Proxy("a", "enabled = false"), "frpc.toml:6: proxies[1].name: proxy name [a] is duplicated");
        Assert.EndsWith("visitors[1].name: visitor name [a] is duplicated", Assert.Single(Loading.ClientErrors(Visitor("a") + Visitor("a"))), StringComparison.Ordinal);
    }

    [Fact]
    public void A_name_is_demanded_of_disabled_entries_when_the_client_is_to_run()
    {
        var disabled = Proxy("", "enabled = false") + Visitor("", "enabled = false");
        Assert.Empty(Names(Loading.Client(disabled)));
        var errors = Loading.ClientErrors(disabled, options: Loading.Verify with { Purpose = LoadPurpose.Run });
        Assert.Equal(2, errors.Length);
        Assert.EndsWith("proxy name cannot be empty", errors[0], StringComparison.Ordinal);
        Assert.EndsWith("visitor name cannot be empty", errors[1], StringComparison.Ordinal);
        Assert.EndsWith("proxy : name should not be empty", Assert.Single(Loading.ClientErrors(Proxy(""))), StringComparison.Ordinal);
    }

    [Fact]
    public void Errors_tell_the_place_in_the_file_though_entries_are_sorted() =>
        Assert.StartsWith("frpc.toml:4: proxies[0].localPort: ", Assert.Single(Loading.ClientErrors(Proxy("z", "localPort = -1") + Proxy("a"))), StringComparison.Ordinal);

    [Fact]
    public void Every_kind_is_found_by_its_name_and_announces_itself_by_it()
    {
        Assert.Equal(["tcp", "udp", "tcpmux", "http", "https", "stcp", "sudp", "xtcp"], ProxyKinds.All.Select(k => k.Name));
        Assert.All(ProxyKinds.All, kind =>
        {
            Assert.Same(kind, ProxyKinds.Find(kind.Name));
            var config = (ProxyConfig)kind.ConfigType.CreateObject!();
            config.Name = "n";
            config.Complete();
            var message = kind.ToMessage(config, "u");
            Assert.Equal((kind.Name, "u.n", ""), (message.ProxyType, message.ProxyName, message.BandwidthLimitMode));
            Assert.Equal("n", kind.ToMessage(config, "").ProxyName);
        });
        Assert.Equal(["stcp", "sudp", "xtcp"], ProxyKinds.All.Where(k => k.VisitorType is not null).Select(k => k.Name));
        Assert.Null(ProxyKinds.Find(""));
    }
}
