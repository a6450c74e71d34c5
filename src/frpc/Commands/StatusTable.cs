using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Frp.Hosting;
using Frp.Proxies;

namespace Frpc;

/// <summary>What <c>frpc status</c> shows: a table for each kind, of what the running client answers.</summary>
/// <remarks>Source: cli specification §4; for the answer, http-api specification §6.1.</remarks>
internal static partial class StatusTable
{
    private const int Gap = 2;
    private const int MaxCellLength = 4096;

    private static readonly (string Title, Func<Row, string> Cell)[] Columns =
    [
        ("Name", static r => r.Name),
        ("Status", static r => r.Status),
        ("LocalAddr", static r => r.LocalAddr),
        ("Plugin", static r => r.Plugin),
        ("RemoteAddr", static r => r.RemoteAddr),
        ("Error", static r => r.Error),
    ];

    /// <summary>Asks the running client.</summary>
    /// <exception cref="IOException">It did not answer, or not with its status.</exception>
    internal static async Task<string> AskAsync(AdminApi api) => Render(await api.AskAsync(HttpMethod.Get, "/api/status"));

    /// <summary>Renders an answer of <c>/api/status</c>.</summary>
    /// <exception cref="IOException">It is something else.</exception>
    internal static string Render(byte[] answer)
    {
        var text = new StringBuilder("Proxy Status...\n\n");
        var kinds = Read(answer);
        foreach (var kind in ProxyKinds.All)
        {
            // Where the answer says null there is nothing.
            if (kinds.GetValueOrDefault(kind.Name)?.OfType<Row>().ToList() is { Count: > 0 } rows) AppendKind(text, kind.Name, rows);
        }
        return text.ToString();
    }

    private static Dictionary<string, List<Row>> Read(byte[] answer)
    {
        try
        {
            return JsonSerializer.Deserialize(answer, StatusJson.Default.DictionaryStringListRow) ?? [];
        }
        catch (JsonException e)
        {
            throw new IOException($"the answer is not the status of a client: {e.Message}", e);
        }
    }

    private static void AppendKind(StringBuilder text, string kind, List<Row> rows)
    {
        string[][][] lines = // table line, column, lines of the cell
        [
            [.. Columns.Select(c => new[] { c.Title })],
            .. rows.OrderBy(r => r.Name, StringComparer.Ordinal).Select(r => Columns.Select(c => Cell(c.Cell(r))).ToArray()),
        ];
        var widths = Enumerable.Range(0, Columns.Length).Select(i => lines.Max(l => l[i].Max(Width))).ToArray();
        text.Append(kind.ToUpperInvariant()).Append('\n');
        foreach (var cells in lines)
        {
            for (int i = 0; i < cells.Max(c => c.Length); i++)
            {
                for (int column = 0; column < cells.Length; column++)
                {
                    string cell = i < cells[column].Length ? cells[column][i] : "";
                    text.Append(cell).Append(' ', widths[column] - Width(cell) + Gap);
                }
                text.Append('\n');
            }
        }
        text.Append('\n');
    }

    // Errors are the server's words, and names were the file's.
    private static string[] Cell(string? value) => ConsoleText.Plain(value ?? "", MaxCellLength).Split('\n');

    private static int Width(string cell) => cell.EnumerateRunes().Count();

    internal sealed record Row
    {
        [JsonPropertyName("name")] public string Name { get; init; } = "";
        [JsonPropertyName("status")] public string Status { get; init; } = "";
        [JsonPropertyName("local_addr")] public string LocalAddr { get; init; } = "";
        [JsonPropertyName("plugin")] public string Plugin { get; init; } = "";
        [JsonPropertyName("remote_addr")] public string RemoteAddr { get; init; } = "";
        [JsonPropertyName("err")] public string Error { get; init; } = "";
    }

    [JsonSourceGenerationOptions(GenerationMode = JsonSourceGenerationMode.Metadata)]
    [JsonSerializable(typeof(Dictionary<string, List<Row>>))]
    private sealed partial class StatusJson : JsonSerializerContext;
}
