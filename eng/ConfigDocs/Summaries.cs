using System.Reflection;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Xml.Linq;

namespace ConfigDocs;

/// <summary>The summaries that the model's source gives its types and keys, as Markdown, from the files that the compiler wrote.</summary>
internal sealed class Summaries
{
    private readonly Dictionary<string, XElement> _members = [];

    /// <summary>Reads the documentation that lies beside the assemblies.</summary>
    public Summaries(params IReadOnlyList<Assembly> assemblies)
    {
        foreach (var assembly in assemblies)
            foreach (var member in XDocument.Load(Path.ChangeExtension(assembly.Location, ".xml")).Descendants("member"))
                _members[member.Attribute("name")!.Value] = member;
    }

    public string Of(Type type) => Text("T:" + type.FullName);

    public string Of(PropertyInfo property) => Text($"P:{property.DeclaringType!.FullName}.{property.Name}");

    /// <summary>The key under which files name a property.</summary>
    public static string KeyOf(PropertyInfo property) =>
        property.GetCustomAttribute<JsonPropertyNameAttribute>()?.Name ?? JsonNamingPolicy.CamelCase.ConvertName(property.Name);

    private string Text(string member)
    {
        var text = new StringBuilder();
        if (_members.TryGetValue(member, out var found) && found.Element("summary") is { } summary)
            foreach (var node in summary.Nodes())
                text.Append(node switch
                {
                    XText words => words.Value,
                    XElement { Name.LocalName: "c" } code => $"`{code.Value}`",
                    XElement { Name.LocalName: "see" } see => $"`{KeyOf(Property(member, see.Attribute("cref")?.Value ?? ""))}`",
                    _ => throw new InvalidOperationException($"{member}: no words for users: {node}"),
                });
        var line = string.Join(' ', text.ToString().Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        if (line.Contains("`null`", StringComparison.Ordinal))
            throw new InvalidOperationException($"{member}: no user says null; remarks are for programmers");
        return line.Length > 0 ? line : throw new InvalidOperationException($"{member} has no summary");
    }

    private static PropertyInfo Property(string member, string reference)
    {
        var cut = reference.LastIndexOf('.');
        var type = reference.StartsWith("P:", StringComparison.Ordinal) ? ModelReader.Assemblies.Select(a => a.GetType(reference[2..cut])).FirstOrDefault(t => t is not null) : null;
        return type?.GetProperty(reference[(cut + 1)..]) ?? throw new InvalidOperationException($"{member}: {reference} is no key that a user knows");
    }
}
