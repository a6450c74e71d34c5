using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Frp.Config.Tests;

/// <summary>Our reading of YAML against that of the library behind the reference, and its bounds.</summary>
public class YamlTests
{
    // What is refused there and read here: infinities, which no option takes, and forms that later versions of YAML allow.
    private static readonly HashSet<string> ReadAllTheSame =
    [
        "k: .inf", "k: +.inf", "k: -.inf", "k: .Inf", "k: .nan", "k: .NaN", "k: .NAN", "k: !!timestamp x",
        "%YAML 1.2\n---\na: yes", "%FOO bar\n---\na: 1", "a: \"\\/\"", "\ta: 1",
    ];

    // What is read there and refused here: an anchor on a scalar in the middle of a flow mapping, which the library does not read, and a text that
    // is the whole document.
    private static readonly HashSet<string> RefusedAllTheSame = ["x: &a {k: &b 1, l: *b}\ny: *a", "\"a\":b"];

    [Fact]
    public void Every_recorded_document_is_read_as_it_was()
    {
        var recorded = JsonNode.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Data", "yaml.json")))!["cases"]!.AsArray();
        Assert.True(recorded.Count > 250);
        var different = new StringBuilder();
        foreach (var entry in recorded)
        {
            var (yaml, isError) = ((string)entry!["yaml"]!, entry["error"] is not null);
            var node = YamlSource.Read(yaml.TrimStart('\uFEFF'), out var fault);
            var expected = isError ? "! " + entry["error"] : Text(entry["json"]);
            var actual = node is null ? "! " + fault!.Line + ": " + fault.Message : Text(Json(node));
            if (RefusedAllTheSame.Contains(yaml) ? node is not null : isError ? node is not null != ReadAllTheSame.Contains(yaml) : expected != actual)
                different.Append("yaml: ").AppendLine(yaml).Append(" Go: ").AppendLine(expected).Append(" we: ").AppendLine(actual);
        }
        Assert.True(different.Length == 0, different.ToString());
    }

    // Numbers that no integer holds are the same when their values are.
    private static string Text(JsonNode? node) => node is null ? "null" : node switch
    {
        JsonValue value when value.GetValueKind() == JsonValueKind.Number => double.Parse(value.ToJsonString(), CultureInfo.InvariantCulture).ToString("R", CultureInfo.InvariantCulture),
        JsonObject table => "{" + string.Join(",", table.Select(m => $"{JsonSerializer.Serialize(m.Key)}:{Text(m.Value)}")) + "}",
        JsonArray array => "[" + string.Join(",", array.Select(Text)) + "]",
        var other => other!.ToJsonString(),
    };

    private static JsonNode? Json(ConfigNode node) => node.Kind switch
    {
        ConfigNodeKind.Object => new JsonObject(node.Members.OrderBy(m => m.Key, StringComparer.Ordinal).Select(m => KeyValuePair.Create(m.Key, Json(m.Value)))),
        ConfigNodeKind.Array => new JsonArray([.. node.Items.Select(Json)]),
        ConfigNodeKind.String => JsonValue.Create(node.Text),
        ConfigNodeKind.Boolean => JsonValue.Create(node.Boolean),
        ConfigNodeKind.Integer => JsonValue.Create(node.Integer),
        ConfigNodeKind.Float => double.TryParse(node.Text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && double.IsFinite(value) ? JsonNode.Parse(value.ToString("R", CultureInfo.InvariantCulture)) : JsonValue.Create(node.Text),
        _ => null,
    };

    [Theory]
    [InlineData("bindPort: 7001\ntransport:\n  maxPoolCount: 9\n", "frps.yaml")]
    [InlineData("bindPort: 7001\ntransport: {maxPoolCount: 9}", "frps")]
    [InlineData("---\nbindPort: 7001\ntransport: {maxPoolCount: 9}\n---\nbindPort: 9", "frps.yml")]
    [InlineData(".pool: &p {maxPoolCount: 9}\nbindPort: 0x1b59\ntransport: *p", "frps.json")]
    [InlineData(".pool: &p {maxPoolCount: 9}\nbindPort: 7_001.0\ntransport:\n  <<: *p", "frps.ini")]
    [InlineData("bindPort: 7001 # note\r\ntransport:\r\n  maxPoolCount: 011\r\n", "x")]
    public void Yaml_is_read_under_any_name_but_that_of_toml(string text, string name)
    {
        var config = Loading.Server(text, name);
        Assert.Equal((7001, 9), (config.BindPort, config.Transport.MaxPoolCount));
        Assert.Contains("toml: line ", Assert.Single(Loading.ServerErrors(text, "x.toml")), StringComparison.Ordinal);
    }

    [Fact]
    public void Mistakes_are_told_with_the_lines_where_they_are_written()
    {
        Assert.Equal(
            [
                "f:2: proxies[0].nope: decode proxy at index 0: unmarshal ProxyConfig error: json: unknown field \"nope\"",
                "f:5: proxies[0].localPort: decode proxy at index 0: unmarshal ProxyConfig error: field \"localPort\": cannot unmarshal string into int",
                "f:8: json: unknown field \"bad\"",
            ],
            Loading.ClientErrors(".c: &c\n  nope: 1\nproxies:\n- name: a\n  localPort: 'x'\n  type: tcp\n  <<: *c\nbad: 1\n", "f"));
    }

    [Fact]
    public void Read_leniently_a_number_is_a_text_where_one_is_wanted()
    {
        var lenient = Loading.Verify with { Strict = false };
        var config = Loading.Client("user: 123\nauth: {token: 1.5}\nmetadatas: {a: yes}\nstart: [7]\n", "f", lenient);
        Assert.Equal(("123", "1.5", "true", "7"), (config.User, config.Auth.Token, config.Metadatas["a"], config.Start[0]));
        Assert.Equal(["f:1: field \"user\": cannot unmarshal number into string"], Loading.ClientErrors("user: 123", "f"));
        Assert.Single(Loading.ClientErrors("proxies: [{name: 5, type: tcp}]", "f", lenient));
        Assert.Single(Loading.ClientErrors("{\"user\": 123}", "f", lenient));
    }

    [Theory]
    [InlineData("a: [", "f.yaml:", "error converting YAML to JSON: yaml: line ")]
    [InlineData("bindPort: 1\n  x: 3", "f.yaml:2: ", "error converting YAML to JSON: yaml: line 2: while scanning a plain scalar value, found invalid mapping")]
    [InlineData("a:\n\tb: 1", "f.yaml:1: ", "found invalid tab as indentation")]
    [InlineData("x: 1\ny: *a", "f.yaml:2: ", "unknown anchor 'a' referenced")]
    [InlineData("- a", "f.yaml:1: ", "json: cannot unmarshal array into object")]
    [InlineData("text", "f.yaml:1: ", "json: cannot unmarshal string into object")]
    public void Broken_yaml_is_told(string text, string where, string words)
    {
        var error = Assert.Single(Loading.ServerErrors(text, "f.yaml"));
        Assert.StartsWith(where, error, StringComparison.Ordinal);
        Assert.Contains(words, error, StringComparison.Ordinal);
    }

    [Fact]
    public void Broken_toml_without_its_extension_is_told_as_both()
    {
        var error = Assert.Single(Loading.ServerErrors("bindPort = 7000\nbindAddr = \"x\n", "frps"));
        Assert.StartsWith("frps:2: toml: line 2, column ", error, StringComparison.Ordinal);
        Assert.Contains("; read as YAML: ", error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_bomb_of_aliases_is_refused()
    {
        var bomb = new StringBuilder(".a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for (var i = 1; i < 10; i++)
            bomb.AppendLine(CultureInfo.InvariantCulture, $".a{i}: &a{i} [{string.Join(", ", Enumerable.Repeat($"*a{i - 1}", 10))}]");
        Assert.Contains("excessive aliasing", Assert.Single(Loading.ServerErrors(bomb.ToString(), "f.yaml")), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("[")]
    [InlineData("{a: ")]
    [InlineData("- ")]
    [InlineData("? ")]
    public void Deep_nesting_is_a_mistake_and_no_end_of_the_program(string open) =>
        Assert.Single(Loading.ServerErrors("x: " + string.Concat(Enumerable.Repeat(open, 20_000)), "f.yaml"));
}
