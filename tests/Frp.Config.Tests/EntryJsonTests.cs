using System.Text;
using System.Text.Json;
using Frp.Proxies;

namespace Frp.Config.Tests;

/// <summary>Entries as the store and the API write and read them. The texts were recorded from the reference.</summary>
public sealed class EntryJsonTests
{
    private static readonly EntryJson Json = new(ProxyKinds.Catalog);

    public static TheoryData<string, string, bool> Recorded() => new()
    {
        {
            """{"localPort":46055,"remotePort":59839,"unknownField":1}""",
            """{"name":"x","type":"tcp","transport":{"bandwidthLimit":""},"loadBalancer":{"group":""},"healthCheck":{"type":"","intervalSeconds":0},"localPort":46055,"plugin":null,"remotePort":59839}""",
            false
        },
        {
            """{"localPort":46055,"remotePort":54703,"metadatas":{"m":"x"},"annotations":{"test.example/a":"b"},"transport":{"bandwidthLimit":"10MB"}}""",
            """{"name":"x","type":"tcp","annotations":{"test.example/a":"b"},"transport":{"bandwidthLimit":"10MB","bandwidthLimitMode":"client"},"metadatas":{"m":"x"},"loadBalancer":{"group":""},"healthCheck":{"type":"","intervalSeconds":0},"localIP":"127.0.0.1","localPort":46055,"plugin":null,"remotePort":54703}""",
            true
        },
        {
            """{"type":"http","localPort":46055,"customDomains":["www.example.com"],"subdomain":"sub","locations":["/","/api"],"httpUser":"u","httpPassword":"p","hostHeaderRewrite":"dev.local","requestHeaders":{"set":{"x-a":"1"}}}""",
            """{"name":"x","type":"http","transport":{"bandwidthLimit":"","bandwidthLimitMode":"client"},"loadBalancer":{"group":""},"healthCheck":{"type":"","intervalSeconds":0},"localIP":"127.0.0.1","localPort":46055,"plugin":null,"customDomains":["www.example.com"],"subdomain":"sub","locations":["/","/api"],"httpUser":"u","httpPassword":"p","hostHeaderRewrite":"dev.local","requestHeaders":{"set":{"x-a":"1"}},"responseHeaders":{}}""",
            true
        },
        {
            """{"remotePort":46875,"plugin":{"type":"socks5","username":"a","password":"b"}}""",
            """{"name":"x","type":"tcp","transport":{"bandwidthLimit":"","bandwidthLimitMode":"client"},"loadBalancer":{"group":""},"healthCheck":{"type":"","intervalSeconds":0},"localIP":"127.0.0.1","plugin":{"type":"socks5","username":"a","password":"b"},"remotePort":46875}""",
            true
        },
    };

    [Theory]
    [MemberData(nameof(Recorded))]
    public void A_proxy_is_written_as_the_reference_writes_it(string read, string written, bool completed)
    {
        string type = JsonDocument.Parse(read).RootElement.TryGetProperty("type", out var said) ? said.GetString()! : "tcp";
        var proxy = Json.Read<ProxyConfig>(Encoding.UTF8.GetBytes(read), "x", type);
        if (completed) proxy.Complete();
        Assert.Equal(written, Written(proxy));
    }

    [Theory]
    [InlineData(false, """{"name":"v","type":"stcp","transport":{},"secretKey":"vector-sk","serverName":"stcp1","bindPort":-1,"plugin":null}""")]
    [InlineData(true, """{"name":"v","type":"stcp","transport":{},"secretKey":"vector-sk","serverName":"stcp1","bindAddr":"127.0.0.1","bindPort":-1,"plugin":null}""")]
    public void So_is_a_visitor(bool completed, string written)
    {
        var visitor = Json.Read<VisitorConfig>("""{"serverName":"stcp1","secretKey":"vector-sk","bindPort":-1,"name":"other","TYPE":"sudp"}"""u8, "v", "stcp");
        if (completed) visitor.Complete();
        Assert.Equal(written, Written(visitor));
    }

    [Fact]
    public void Nothing_is_lost_between_writing_and_reading()
    {
        var entries = Json.ReadAll("""
            {"proxies":[{"name":"a <&> \"é\"","type":"http","enabled":false,"plugin":{"type":"https2http","localAddr":"h:1","enableHTTP2":false,"requestHeaders":{"set":{"z":"1","a":"2"}}},
              "healthCheck":{"type":"http","path":"/","httpHeaders":[{"name":"n","value":""}]},"metadatas":{"b":"","a":"1"}},{"name":"b","type":"xtcp","natTraversal":{}}],
             "visitors":[{"name":"v","type":"xtcp","serverName":"b","bindPort":1,"natTraversal":{"disableAssistedAddrs":true},"plugin":{"type":"virtual_net","destinationIP":"::1"},"enabled":true}]}
            """u8, "store");
        byte[] once = Json.WriteAll(entries);
        Assert.Equal(Encoding.UTF8.GetString(once), Encoding.UTF8.GetString(Json.WriteAll(Json.ReadAll(once, "store"))));
        Assert.StartsWith("{\n  \"proxies\": [\n    {\n      \"name\": \"a <&> \\\"é\\\"\",\n", Encoding.UTF8.GetString(once), StringComparison.Ordinal);
        var clone = Json.Clone(entries.Proxies[0]);
        Assert.NotSame(entries.Proxies[0], clone);
        Assert.Equal(Written(entries.Proxies[0]), Written(clone));
        Assert.Equal("{}", Encoding.UTF8.GetString(Json.WriteAll(new ClientEntries())));
    }

    [Theory]
    [InlineData("""{"localPort":1,"metadatas":{"a":"1","b":"2"}}""", """{"metadatas":{"b":"2","a":"1"},"localPort":1,"unknown":true}""", true)]
    [InlineData("""{"localPort":1}""", """{"localPort":1,"localIP":"127.0.0.1","enabled":true}""", true)]
    [InlineData("""{"localPort":1}""", """{"localPort":2}""", false)]
    [InlineData("""{"localPort":1}""", """{"localPort":1,"metadatas":{"a":""}}""", false)]
    [InlineData("""{"transport":{"bandwidthLimit":"1MB"}}""", """{"transport":{"bandwidthLimit":"1024KB"}}""", true)]
    [InlineData("""{"transport":{"bandwidthLimit":"0.5MB"}}""", """{"transport":{"bandwidthLimit":"512KB"}}""", true)]
    [InlineData("""{"transport":{"bandwidthLimit":"1MB"}}""", """{"transport":{"bandwidthLimit":"1KB"}}""", false)]
    [InlineData("""{"transport":{"bandwidthLimit":"-1MB"}}""", """{}""", true)]
    [InlineData("""{"plugin":{"type":"socks5"}}""", """{"plugin":{"type":"http_proxy"}}""", false)]
    public void Entries_are_the_same_when_all_options_have_the_same_effect(string one, string other, bool same)
    {
        var (a, b) = (Completed(one, "tcp"), Completed(other, "tcp"));
        Assert.Equal((same, same), (Json.AreSame(a, b), Json.AreSame(b, a)));
        Assert.False(Json.AreSame(a, Completed(one, "udp")));
    }

    [Theory]
    [InlineData("[]", "cannot unmarshal array into object")]
    [InlineData("{", "failed to parse JSON")]
    [InlineData("""{"localPort":"1"}""", "cannot unmarshal string into int")]
    [InlineData("""{"plugin":{"type":"nothing"}}""", "unknown plugin type: nothing")]
    public void What_cannot_be_read_is_told(string content, string words) =>
        Assert.Contains(words, Assert.Throws<ConfigException>(() => Json.Read<ProxyConfig>(Encoding.UTF8.GetBytes(content), "x", "tcp")).Message, StringComparison.Ordinal);

    private static ProxyConfig Completed(string content, string type)
    {
        var proxy = Json.Read<ProxyConfig>(Encoding.UTF8.GetBytes(content), "x", type);
        proxy.Complete();
        return proxy;
    }

    private static string Written(EntryConfig entry)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, EntryJson.Compact)) Json.Write(writer, entry);
        return Encoding.UTF8.GetString(buffer.ToArray());
    }
}
