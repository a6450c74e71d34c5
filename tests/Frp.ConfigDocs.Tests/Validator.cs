using System.Text.Json;
using System.Text.Json.Nodes;
using Json.Schema;

namespace Frp.ConfigDocs.Tests;

/// <summary>A schema of docs in the hands of a validator that is not ours.</summary>
internal sealed class Validator
{
    private static readonly EvaluationOptions Options = new() { OutputFormat = OutputFormat.Hierarchical };

    private readonly JsonSchema _schema;

    private Validator(string program) => _schema = JsonSchema.FromText(Docs.Read($"schema/{program}.schema.json"));

    public static IReadOnlyDictionary<string, Validator> Of { get; } = new Dictionary<string, Validator>(StringComparer.Ordinal) { ["frps"] = new("frps"), ["frpc"] = new("frpc") };

    /// <summary>Where a document does not fit, as keys of our own messages (<c>proxies[0].type</c>), with the reason.</summary>
    public IReadOnlyList<(string Key, string Reason)> Faults(JsonNode? document)
    {
        using var parsed = JsonDocument.Parse(document?.ToJsonString() ?? "null");
        var faults = new List<(string, string)>();
        Collect(_schema.Evaluate(parsed.RootElement, Options), faults);
        return faults;
    }

    private static void Collect(EvaluationResults results, List<(string, string)> faults)
    {
        // A condition that does not hold is no fault, nor is a choice that was not made; no choice at all leaves its owner without a fault inside.
        var path = results.EvaluationPath.ToString();
        if (results.IsValid || path.EndsWith("/if", StringComparison.Ordinal) || path.Contains("/anyOf/", StringComparison.Ordinal))
            return;
        var key = KeyOf(results.InstanceLocation.ToString());
        var before = faults.Count;
        foreach (var (keyword, reason) in results.Errors ?? new Dictionary<string, string>(StringComparer.Ordinal))
            faults.Add((key, $"{keyword}: {reason}"));
        foreach (var inner in results.Details ?? [])
            Collect(inner, faults);
        // Some keywords refuse without a word.
        if (faults.Count == before)
            faults.Add((key, "refused"));
    }

    private static string KeyOf(string pointer)
    {
        var key = "";
        foreach (var segment in pointer.Split('/').Skip(1))
            key = char.IsAsciiDigit(segment[0]) ? $"{key}[{segment}]" : key.Length == 0 ? segment : $"{key}.{segment}";
        return key;
    }
}
