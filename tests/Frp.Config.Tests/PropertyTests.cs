using System.Text;
using System.Text.Json.Nodes;
using CsCheck;
using Frp.Proxies;

namespace Frp.Config.Tests;

/// <summary>Random configurations, as text in every way of writing them; random damage.</summary>
public class PropertyTests
{
    private static readonly Gen<JsonNode> Text = Gen.String[Gen.Frequency((9, Gen.Char[' ', '~']), (2, Gen.Char['\u00a0', '\u04ff']), (1, Gen.Const('\n')), (1, Gen.Const('\t')), (1, Gen.Const('"')), (1, Gen.Const('\\'))), 0, 12]
        .Where(s => !s.Contains("{{", StringComparison.Ordinal)).Select(s => (JsonNode)JsonValue.Create(s));
    private static readonly Gen<JsonNode> Bool = Gen.Bool.Select(b => (JsonNode)JsonValue.Create(b));
    private static readonly Gen<JsonNode> Port = Gen.Int[0, 65535].Select(i => (JsonNode)JsonValue.Create(i));
    private static readonly Gen<JsonNode> Int = Gen.Int[-1000, 1_000_000].Select(i => (JsonNode)JsonValue.Create(i));
    private static readonly Gen<JsonNode> Texts = Text.Array[0, 3].Select(a => (JsonNode)new JsonArray(a));
    private static readonly Gen<JsonNode> Map = Gen.Select(Text, Text, (k, v) => ((string)k!, v)).Array[0, 3].Select(p => (JsonNode)Object(p));
    private static readonly Gen<JsonNode> Quantity = OneOf("", "1MB", "0.5MB", "100KB");

    private static readonly Gen<JsonNode> Server = Some(
        ("bindAddr", Text), ("bindPort", Port), ("kcpBindPort", Port), ("vhostHTTPPort", Port), ("vhostHTTPTimeout", Int), ("tcpmuxPassthrough", Bool), ("subDomainHost", Text),
        ("detailedErrorsToClient", Bool), ("maxPortsPerClient", Int), ("udpPacketSize", Int), ("allowPorts", Some(("start", Int), ("end", Int), ("single", Port)).Array[0, 3].Select(a => (JsonNode)new JsonArray(a))),
        ("transport", Some(("tcpMux", Bool), ("heartbeatTimeout", Int), ("quic", Some(("maxIdleTimeout", Int), ("maxIncomingStreams", Int))), ("tls", Some(("force", Bool), ("trustedCaFile", Text))))),
        ("auth", Some(("method", OneOf("token", "oidc")), ("additionalScopes", OneOf(["HeartBeats"], [], ["NewWorkConns", "HeartBeats"])), ("token", Text), ("oidc", Some(("issuer", Text), ("skipExpiryCheck", Bool))))),
        ("log", Some(("level", OneOf("trace", "error")), ("to", Text), ("maxDays", Int))),
        ("httpPlugins", Some(("name", Text), ("ops", OneOf(["Login"], ["Ping", "NewProxy"])), ("tlsVerify", Bool)).Array[0, 2].Select(a => (JsonNode)new JsonArray(a))));

    private static readonly Gen<JsonNode> Client = Gen.Select(
        Some(("serverAddr", Text), ("serverPort", Int), ("user", Text), ("loginFailExit", Bool), ("metadatas", Map), ("transport", Some(("protocol", OneOf("kcp", "wss")), ("proxyURL", Text), ("poolCount", Int), ("tls", Some(("enable", Bool), ("serverName", Text)))))),
        Entries("tcp", ("remotePort", Int), ("plugin", Fixed(("type", "static_file"), ("localPath", "/x")))),
        Entries("http", ("subdomain", Fixed("s")), ("customDomains", Texts), ("locations", Texts), ("requestHeaders", Some(("set", Map)))),
        Entries("xtcp", ("secretKey", Text), ("allowUsers", Texts), ("natTraversal", Some(("disableAssistedAddrs", Bool)))),
        Some(("serverUser", Text), ("keepTunnelOpen", Bool), ("protocol", OneOf("quic", "kcp")), ("fallbackTimeoutMs", Int)).Array[0, 3],
        (common, tcp, http, xtcp, visitors) =>
        {
            var root = common.AsObject();
            // An http proxy needs a host, so its sub-domain is always there.
            foreach (var h in http)
                h["subdomain"] = "s";
            root["proxies"] = new JsonArray([.. tcp.Concat(http).Concat(xtcp).Select((p, i) => Named(p, $"p{i:00}"))]);
            root["visitors"] = new JsonArray([.. visitors.Select((v, i) => Named(v, $"v{i}", ("type", "xtcp"), ("serverName", "s"), ("bindPort", 1)))]);
            return (JsonNode)root;
        });

    [Fact]
    public void A_server_written_as_toml_as_yaml_and_as_json_is_the_same() => Gen.Select(Server, Gen.Int).Sample((model, style) =>
    {
        var toml = Canonical.Of(Loading.Server(new TomlWriter(style).Write(model), "x.toml"));
        var yaml = Canonical.Of(Loading.Server(new YamlWriter(style).Write(model), "x.yaml"));
        var json = Canonical.Of(Loading.Server(model.ToJsonString(), "x"));
        Assert.Equal(json.ToJsonString(), toml.ToJsonString());
        Assert.Equal(json.ToJsonString(), yaml.ToJsonString());
        Said(model, toml, "");
    }, iter: 300);

    [Fact]
    public void A_client_written_as_toml_as_yaml_and_as_json_is_the_same() => Gen.Select(Client, Gen.Int).Sample((model, style) =>
    {
        var toml = Canonical.Of(Loading.Client(new TomlWriter(style).Write(model), "x.toml"));
        var yaml = Canonical.Of(Loading.Client(new YamlWriter(style).Write(model), "x.yaml"));
        var json = Canonical.Of(Loading.Client(model.ToJsonString(), "x"));
        Assert.Equal(json.ToJsonString(), toml.ToJsonString());
        Assert.Equal(json.ToJsonString(), yaml.ToJsonString());
        Said(model, toml, "");
    }, iter: 300);

    [Fact]
    public void Bytes_are_a_configuration_or_a_ConfigException() =>
        Gen.Byte.Array[0, 200].Sample(Survives, iter: 3000);

    [Fact]
    public void Scraps_of_syntax_are_a_configuration_or_a_ConfigException()
    {
        string[] scraps = ["[", "]", "[[", "]]", "{", "}", "=", ".", ",", "\"", "\"\"\"", "'", "'''", "\n", "\r\n", " ", "\t", "#", "\\u12", "\\", "proxies", "transport", "type", "\"tcp\"", "name", "1", "1.0", "0x", "-", "+inf", "nan", "1979-05-27", "T07:32:00Z", "true", "null", ":", "auth", "tokenSource", "\u00e4", "\0", "allowPorts", "_"];
        Gen.Int[0, scraps.Length - 1].Select(i => scraps[i]).Array[0, 40].Sample(parts => Survives(Encoding.UTF8.GetBytes(string.Concat(parts))), iter: 4000);
    }

    [Fact]
    public void A_damaged_file_is_a_configuration_or_a_ConfigException()
    {
        var damage = Gen.Select(Gen.Double[0, 1], Gen.Int[0, 3], Gen.Byte).Array[1, 6];
        Gen.Select(Client, Gen.Int, Gen.Bool, damage).Sample((model, style, isToml, cuts) =>
        {
            var bytes = Encoding.UTF8.GetBytes(isToml ? new TomlWriter(style).Write(model) : model.ToJsonString()).ToList();
            foreach (var (where, what, value) in cuts)
            {
                if (bytes.Count == 0)
                    break;
                var at = (int)(where * (bytes.Count - 1));
                if (what == 0) bytes[at] = value;
                else if (what == 1) bytes.RemoveAt(at);
                else if (what == 2) bytes.Insert(at, value);
                else bytes.RemoveRange(at, Math.Min(20, bytes.Count - at));
            }
            Survives([.. bytes]);
        }, iter: 1000);
    }

    private static void Survives(byte[] content)
    {
        foreach (var name in (string[])["f", "f.toml"])
        {
            Only(() => ConfigLoader.LoadServer(content, name, Loading.Verify));
            Only(() => ConfigLoader.LoadClient(content, name, ProxyKinds.Catalog, Loading.Verify with { Strict = false }));
        }

        static void Only(Action load)
        {
            try
            {
                load();
            }
            catch (ConfigException e)
            {
                Assert.NotEmpty(e.Errors);
                Assert.Equal(e.Errors.Count, e.Message.Split('\n').Length);
            }
        }
    }

    // Whatever the model says that is neither zero nor out of bounds stands in the configuration.
    private static void Said(JsonNode model, JsonNode loaded, string path)
    {
        foreach (var (key, value) in model.AsObject())
        {
            if (value is JsonArray { Count: > 0 } list && list[0] is JsonObject)
                for (var i = 0; i < list.Count; i++)
                    Said(list[i]!, loaded[key]![i]!, $"{path}.{key}[{i}]");
            else if (value is JsonObject && key is not ("metadatas" or "annotations" or "set"))
                Said(value, loaded[key]!, $"{path}.{key}");
            else if (value!.ToJsonString() is not ("0" or "\"\"") && !(key is "udpPacketSize" or "poolCount" || (key == "force" && !(bool)value)))
                Assert.True(JsonNode.DeepEquals(value, loaded[key]), $"{path}.{key}: {value.ToJsonString()} became {loaded[key]?.ToJsonString()}");
        }
    }

    private static Gen<JsonNode> Some(params (string Key, Gen<JsonNode> Value)[] options) =>
        options.Aggregate(Gen.Const(0).Select(_ => new JsonObject()), (all, option) =>
            Gen.Select(all, Gen.Bool, option.Value, (o, present, v) => present ? With(o, option.Key, v) : o)).Select(o => (JsonNode)o);

    private static JsonObject With(JsonObject all, string key, JsonNode value)
    {
        var copy = all.DeepClone().AsObject();
        copy[key] = value.DeepClone();
        return copy;
    }

    private static Gen<JsonNode[]> Entries(string type, params (string, Gen<JsonNode>)[] own) => Some(
        [("localPort", Port), ("metadatas", Map), ("transport", Some(("useEncryption", Bool), ("bandwidthLimit", Quantity))), ("healthCheck", Some(("maxFailed", Int))), .. own])
        .Select(p => (JsonNode)Named(p, "", ("type", type))).Array[0, 3];

    private static JsonObject Named(JsonNode entry, string name, params (string Key, JsonNode Value)[] more)
    {
        var copy = entry.DeepClone().AsObject();
        copy["name"] = name;
        foreach (var (key, value) in more)
            copy[key] = value;
        return copy;
    }

    private static JsonObject Object((string Key, JsonNode Value)[] pairs)
    {
        var node = new JsonObject();
        foreach (var (key, value) in pairs)
            node[key] = value.DeepClone();
        return node;
    }

    private static Gen<JsonNode> OneOf(params string[] texts) => Gen.Int[0, texts.Length - 1].Select(i => texts[i]).Select(t => (JsonNode)JsonValue.Create(t));
    private static Gen<JsonNode> OneOf(params string[][] lists) => Gen.Int[0, lists.Length - 1].Select(i => lists[i]).Select(l => (JsonNode)new JsonArray([.. l.Select(t => (JsonNode)JsonValue.Create(t))]));
    private static Gen<JsonNode> Fixed(string text) => Gen.Const(text).Select(t => (JsonNode)JsonValue.Create(t));
    private static Gen<JsonNode> Fixed(params (string Key, string Value)[] pairs) => Gen.Const(pairs).Select(p => (JsonNode)Object([.. p.Select(x => (x.Key, (JsonNode)x.Value))]));
}
