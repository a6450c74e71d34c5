using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using ConfigDocs;
using Frp.Config;
using Frp.Config.Tests;

namespace Frp.ConfigDocs.Tests;

/// <summary>Every example of the documentation is a configuration, for the programs and for editors.</summary>
public partial class ExampleTests
{
    public static TheoryData<string> Examples() => new(Docs.Examples());

    public static TheoryData<string> FullExamples() => new(Docs.Examples().Where(e => e.Contains(".full.", StringComparison.Ordinal)));

    [Fact]
    public void There_are_examples_for_both_programs_in_every_format()
    {
        Assert.Equal(["examples/frpc.full.toml", "examples/frps.full.toml"], Docs.Examples().Where(e => e.Contains(".full.", StringComparison.Ordinal)));
        Assert.Equal([".json", ".toml", ".yaml"], Docs.Examples().Select(Path.GetExtension).Distinct().Order(StringComparer.Ordinal));
        Assert.Equal(["frpc", "frps"], Docs.Examples().Select(Docs.ProgramOf).Distinct().Order(StringComparer.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Examples))]
    public void An_example_loads(string example) => Docs.Load(Docs.ProgramOf(example), Docs.Read(example), example);

    [Theory]
    [MemberData(nameof(Examples))]
    public void An_example_fits_the_schema_that_it_names(string example)
    {
        var program = Docs.ProgramOf(example);
        Assert.Contains($"../schema/{program}.schema.json", Docs.Read(example), StringComparison.Ordinal);
        Assert.Empty(Validator.Of[program].Faults(Docs.ToJson(Docs.Read(example), example)));
    }

    [Theory]
    [MemberData(nameof(FullExamples))]
    public void A_full_example_has_every_key_of_the_model(string example)
    {
        var (text, model) = (Docs.Read(example), Model(example));
        var said = Keys(model, Docs.ToJson(text, example)).Concat(Keys(model, Docs.ToJson(Alternatives(text), example)));
        Assert.Empty(Keys(model, null).Except(said, StringComparer.Ordinal));
    }

    [Theory]
    [MemberData(nameof(FullExamples))]
    public void What_a_full_example_has_as_comments_is_right_too(string example)
    {
        var alternatives = Alternatives(Docs.Read(example));
        Assert.NotEqual("", alternatives);
        Docs.Load(Docs.ProgramOf(example), alternatives, example);
        Assert.Empty(Validator.Of[Docs.ProgramOf(example)].Faults(Docs.ToJson(alternatives, example)));
    }

    [Theory]
    [MemberData(nameof(FullExamples))]
    public void What_a_full_example_does_not_start_is_right_too(string example)
    {
        var text = Docs.Read(example);
        if (Docs.Load(Docs.ProgramOf(example), Start().Replace(text, ""), example) is not ClientConfig all)
            return;
        var chosen = (ClientConfig)Docs.Load("frpc", text, example);
        Assert.Equal(3, chosen.Proxies.Count + chosen.Visitors.Count);
        Assert.True(all.Proxies.Count > 15 && all.Visitors.Count > 3);
    }

    [Fact]
    public void One_configuration_is_the_same_in_every_format()
    {
        string[] files = ["examples/website.frpc.toml", "examples/website.frpc.yaml", "examples/website.frpc.json"];
        var configs = files.Select(f => Canonical.Of((ClientConfig)Docs.Load("frpc", Docs.Read(f), f)).ToJsonString()).ToList();
        Assert.Contains("blog", configs[0], StringComparison.Ordinal);
        Assert.Single(configs.Distinct());
    }

    /// <summary>Every key there is, in every format, in letter cases that nobody would write.</summary>
    [Theory]
    [MemberData(nameof(FullExamples))]
    public void Every_key_is_the_same_in_every_format_and_letter_case(string example)
    {
        var (program, text) = (Docs.ProgramOf(example), Start().Replace(Docs.Read(example), ""));
        foreach (string part in (string[])[text, Alternatives(text)])
        {
            var said = Docs.ToJson(part, example)!;
            string expected = Canonically(program, part, example);
            foreach (Func<string, string> recased in (Func<string, string>[])[key => key, key => key.ToUpperInvariant(), key => key.ToLowerInvariant(), Swapped])
            {
                var document = Recased(Model(example), said, recased)!;
                for (int style = 0; style < 4; style++)
                {
                    Assert.Equal(expected, Canonically(program, new TomlWriter(style).Write(document), "x.toml"));
                    Assert.Equal(expected, Canonically(program, new YamlWriter(style).Write(document), "x.yaml"));
                }
                Assert.Equal(expected, Canonically(program, document.ToJsonString(), "x.json"));
            }
        }
    }

    [Theory]
    [InlineData("../README.md", 5)]
    [InlineData("configuration.md", 7)]
    public void What_the_documentation_shows_loads(string file, int count)
    {
        var blocks = Block().Matches(Docs.Read(file)).Select(m => (Format: m.Groups["format"].Value, Text: m.Groups["text"].Value)).ToList();
        Assert.Equal(count, blocks.Count);
        Assert.All(blocks, block =>
        {
            var mistakes = new[] { "frps", "frpc" }.Select(program => Record.Exception(() => Docs.Load(program, block.Text, "block." + block.Format))).ToList();
            Assert.True(mistakes.Contains(null), $"{block.Text}\n{string.Join('\n', mistakes.Select(m => m?.Message))}");
        });
    }

    private static string Canonically(string program, string text, string name)
    {
        object config = Docs.Load(program, text, name);
        return (config is ServerConfig server ? Canonical.Of(server) : Canonical.Of((ClientConfig)config)).ToJsonString();
    }

    private static string Swapped(string key) => string.Concat(key.Select(c => char.IsUpper(c) ? char.ToLowerInvariant(c) : char.ToUpperInvariant(c)));

    /// <summary>A document with its keys written otherwise; names in free maps stay.</summary>
    private static JsonNode? Recased(Shape shape, JsonNode? node, Func<string, string> recased)
    {
        return (shape, node) switch
        {
            (ObjectShape keys, JsonObject all) => Members(keys, all),
            (UnionShape union, JsonObject kind) => Members(union.Kinds.Single(k => k.Name == (string?)kind["type"]).Keys, kind),
            (ListShape list, JsonArray items) => new JsonArray([.. items.Select(item => Recased(list.Item, item, recased))]),
            _ => node?.DeepClone(),
        };

        JsonObject Members(ObjectShape keys, JsonObject all) => new(all.Select(m => KeyValuePair.Create(recased(m.Key), Recased(keys.Keys.Single(k => k.Name == m.Key).Shape, m.Value, recased))));
    }

    private static ObjectShape Model(string example) => Docs.ProgramOf(example) == "frps" ? ModelReader.Server() : ModelReader.Client();

    // What cannot stand beside another option is a comment that looks like one.
    private static string Alternatives(string text) => string.Join('\n', Alternative().Matches(text).Select(m => m.Groups[1].Value));

    /// <summary>The keys that a document has, or all there are, as the model declares them, from the root.</summary>
    private static IEnumerable<string> Keys(Shape shape, JsonNode? document, string above = "", bool all = true) => (shape, document) switch
    {
        (ObjectShape keys, _) =>
            from key in keys.Keys
            let inner = document?[key.Name]
            where inner is not null || (all && document is null)
            let name = $"{above}/{key.Declarer.Name}.{key.Name}"
            from found in Keys(key.Shape, inner, name, all && document is null).Prepend(name)
            select found,
        (ListShape list, JsonArray items) => items.SelectMany(i => Keys(list.Item, i, above, all: false)),
        (ListShape list, _) => Keys(list.Item, null, above, all),
        (UnionShape union, JsonObject kind) => Keys(union.Kinds.Single(k => k.Name == (string?)kind["type"]).Keys, kind, above, all: false),
        (UnionShape union, _) => all ? union.Kinds.SelectMany(k => Keys(k.Keys, null, above, all)) : [],
        _ => [],
    };

    [GeneratedRegex("^# ([a-zA-Z0-9.]+ = .+)$", RegexOptions.Multiline, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex Alternative();

    [GeneratedRegex("^start = .*$", RegexOptions.Multiline, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex Start();

    [GeneratedRegex("^```(?<format>toml|yaml|json)\n(?<text>.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex Block();
}
