using System.Text;
using System.Text.Json.Nodes;
using Frp.Config;
using Frp.Proxies;

namespace Frp.ConfigDocs.Tests;

/// <summary>The files of the folder docs, and how tests load them.</summary>
internal static class Docs
{
    // Everything is allowed: which flags a user has to give is not the question here.
    public static readonly LoadOptions Options = new() { Purpose = LoadPurpose.Verify, Environment = _ => null, AllowUnsafe = UnsafeFeatures.TokenSourceExec };

    public static string Folder { get; } = Find();

    public static string Read(string path) => File.ReadAllText(Path.Combine(Folder, path));

    public static IEnumerable<string> Examples() =>
        Directory.EnumerateFiles(Path.Combine(Folder, "examples"), "*", SearchOption.AllDirectories).Select(f => Path.GetRelativePath(Folder, f)).Order(StringComparer.Ordinal);

    /// <summary>frps or frpc: the example's name says it.</summary>
    public static string ProgramOf(string example) => Path.GetFileName(example).Split('.') switch
    {
        [.., "frps", _] or ["frps", ..] => "frps",
        [.., "frpc", _] or ["frpc", ..] => "frpc",
        _ => throw new InvalidDataException($"{example}: for which program is it? Call it NAME.frps.toml, or NAME.frpc.toml"),
    };

    /// <summary>Reads a configuration as its program does.</summary>
    public static object Load(string program, string text, string name) => program == "frps"
        ? ConfigLoader.LoadServer(Encoding.UTF8.GetBytes(text), name, Options).Config
        : ConfigLoader.LoadClient(Encoding.UTF8.GetBytes(text), name, ProxyKinds.Catalog, Options).Config;

    /// <summary>The mistakes that the program finds in a configuration; none if it may be used.</summary>
    public static IReadOnlyList<ConfigError> Mistakes(string program, JsonNode document)
    {
        try
        {
            Load(program, document.ToJsonString(), "test.json");
            return [];
        }
        catch (ConfigException e)
        {
            return e.Errors;
        }
    }

    /// <summary>What a document says, as JSON: what a schema judges.</summary>
    public static JsonNode? ToJson(string text, string name) => ToJson(ConfigDocument.Read(Encoding.UTF8.GetBytes(text), name, DocumentRole.Included, Options).Root);

    private static JsonNode? ToJson(ConfigNode node) => node.Kind switch
    {
        ConfigNodeKind.Object => new JsonObject(node.Members.Select(m => KeyValuePair.Create(m.Key, ToJson(m.Value)))),
        ConfigNodeKind.Array => new JsonArray([.. node.Items.Select(ToJson)]),
        ConfigNodeKind.String => node.Text,
        ConfigNodeKind.Integer => node.Integer,
        ConfigNodeKind.Boolean => node.Boolean,
        ConfigNodeKind.Null => null,
        _ => throw new InvalidDataException($"line {node.Line}: {node.Text} has no place in a configuration"),
    };

    private static string Find()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Frp.slnx"))) folder = folder.Parent;
        return Path.Combine(folder?.FullName ?? throw new InvalidOperationException("the tests run outside the repository"), "docs");
    }
}
