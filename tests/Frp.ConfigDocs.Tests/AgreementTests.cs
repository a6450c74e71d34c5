using System.Text.Json.Nodes;
using ConfigDocs;
using Frp.Config;
using Frp.Config.Tests;

namespace Frp.ConfigDocs.Tests;

/// <summary>What the model's attributes say, and so the schema and the documentation, is what the programs do: at every key.</summary>
public class AgreementTests
{
    // What a schema cannot see, and the programs judge: the relation to other keys, and texts of a certain form.
    private static readonly HashSet<string> JudgedByProgramsAlone = new(StringComparer.Ordinal)
    {
        "auth.method = \"oidc\"", // wants keys of auth.oidc
        "virtualNet.address = \"x\"", // wants a feature gate and an address
        "transport.tls.pinnedKey = \"x\"", // the name of a key has a form
        "auth.tokenSource.exec.env[0].name = \"\"", // a variable has a name
        "auth.oidc.tokenSource.exec.env[0].name = \"\"",
    };

    private static readonly List<Place> Places = [.. Place.All()];

    [Fact]
    public void There_are_places_to_look_at()
    {
        Assert.True(Places.Count > 300, $"only {Places.Count} places");
        foreach (var name in (string[])["transport.quic.maxIdleTimeout", "proxies[0].plugin.localPath", "visitors[0].plugin.destinationIP", "allowPorts[0].single", "auth.oidc.tokenSource.exec.env[0].value"])
            Assert.Contains(Places, p => p.Name == name);
    }

    [Fact]
    public void What_surrounds_a_key_is_right() =>
        Assert.Empty(Places.Select(p => (p.Program, Text: p.Around.ToJsonString())).Distinct().SelectMany(d => Faults(d.Program, JsonNode.Parse(d.Text)!, d.Text)));

    [Fact]
    public void What_the_schema_allows_the_programs_take() => Assert.Empty(
        from place in Places
        from value in Right(place)
        let said = $"{place.Name} = {value.ToJsonString()}"
        where !JudgedByProgramsAlone.Contains(said)
        from fault in Faults(place.Program, With(place, value), said)
        select fault);

    [Fact]
    public void What_is_said_to_be_judged_by_the_programs_alone_is_refused_by_them()
    {
        var refused = from place in Places
                      from value in Right(place)
                      let said = $"{place.Name} = {value.ToJsonString()}"
                      where JudgedByProgramsAlone.Contains(said) && Docs.Mistakes(place.Program, With(place, value)).Count > 0
                      select said;
        Assert.Equal(JudgedByProgramsAlone.Order(StringComparer.Ordinal), refused.Distinct().Order(StringComparer.Ordinal));
    }

    [Fact]
    public void What_the_schema_refuses_the_programs_refuse_at_the_same_key()
    {
        var checks = from place in Places
                     from wrong in Wrong(place)
                     select Told(place.Program, wrong.Document, wrong.At, wrong.Late, wrong.Name);
        Assert.Equal("", string.Join(Environment.NewLine, checks.OfType<string>()));
    }

    [Fact]
    public void A_default_that_is_written_changes_nothing()
    {
        var different = from place in Places
                        where place.Key.Default is not null
                        let written = Effective(place, place.With(place.Key.Default!.DeepClone()))
                        let unsaid = Effective(place, place.Without())
                        where written != unsaid
                        select $"{place.Name} = {place.Key.Default!.ToJsonString()}: {written} and without it {unsaid}";
        Assert.Empty(different);
    }

    [Fact]
    public void Some_defaults_are_known() => Assert.Equal(
        ["7000", "60", "\"info\"", "true", "3", "8", "true", "100000"],
        from name in (string[])["bindPort", "vhostHTTPTimeout", "log.level", "loginFailExit", "proxies[0].healthCheck.timeoutSeconds", "visitors[0].maxRetriesAnHour", "proxies[0].plugin.enableHTTP2", "transport.quic.maxIncomingStreams"]
        select Places.First(p => p.Name == name).Key.Default!.ToJsonString());

    private static string Effective(Place place, JsonObject document)
    {
        // A check that is on has defaults, one that is off has none.
        if (place.Owner.Type == typeof(HealthCheckConfig))
            document = (place with { Around = document }).Changed(owner => owner["type"] = "tcp");
        var config = Docs.Load(place.Program, document.ToJsonString(), "test.json");
        return (config is ServerConfig server ? Canonical.Of(server) : Canonical.Of((ClientConfig)config)).ToJsonString();
    }

    // A value with what the schema says it needs beside it.
    private static JsonObject With(Place place, JsonNode value) => place.Changed(owner =>
    {
        owner[place.Key.Name] = value.DeepClone();
        foreach (var other in place.Owner.Keys)
            if (other.NeededWhen is var (decider, decision) && decider == place.Key.Name && value is JsonValue said && said.TryGetValue(out string? text) && text == decision)
                owner[other.Name] = Place.Sample(other);
    });

    private static IEnumerable<JsonNode> Right(Place place)
    {
        var key = place.Key;
        if (key.Name == "type" && place.Path.Count > 0 && key.Allowed is null)
            yield break; // the kind, which the place is for
        yield return Place.Sample(key);
        if (key.Shape is ScalarShape && key.Allowed is { } texts)
            foreach (var text in key.IsNeeded ? texts : [.. texts, ""])
                yield return text;
        if (key.Shape is ListShape && key.Allowed is { } items)
            yield return new JsonArray([.. items.Select(i => (JsonNode)i)]);
        if (key.Bounds is { Late: false } bounds)
        {
            yield return bounds.Min;
            yield return bounds.Max;
        }
        if (key is { Shape: ScalarShape { Kind: ScalarKind.Text }, IsNeeded: false, Allowed: null })
            yield return "";
        if (key.Shape is ScalarShape { Kind: ScalarKind.Flag })
            yield return false;
        if (key.Shape is ScalarShape { Kind: ScalarKind.Bandwidth })
            foreach (var text in (string[])["", "0.5MB", " 10KB ", "-1MB", "1e3KB", ".5MB", "5.MB"])
                yield return text;
    }

    private static IEnumerable<(JsonObject Document, string[] At, bool Late, string Name)> Wrong(Place place)
    {
        var key = place.Key;
        foreach (var value in OtherTypes(key.Shape))
            yield return (place.With(value), [place.Name], false, $"{place.Name} = {value.ToJsonString()}");
        if (key.Bounds is { } bounds)
        {
            if (bounds.Min != int.MinValue) yield return (place.With(bounds.Min - 1), [place.Name], bounds.Late, $"{place.Name} = {bounds.Min - 1}");
            yield return (place.With(bounds.Max + 1), [place.Name], bounds.Late, $"{place.Name} = {bounds.Max + 1}");
        }
        if (key.Allowed is not null && key.Shape is ScalarShape)
            yield return (place.With("nonsense"), [place.Name], false, $"{place.Name} = nonsense");
        if (key.Allowed is not null && key.Shape is ListShape)
            yield return (place.With(new JsonArray("nonsense")), [$"{place.Name}[0]", place.Name], false, $"{place.Name} = [nonsense]");
        if (key.Shape is ScalarShape { Kind: ScalarKind.Bandwidth })
            foreach (var text in (string[])["1GB", "1mb", "MB", "1", "1 2MB", "eMB"])
                yield return (place.With(text), [place.Name], false, $"{place.Name} = {text}");
        if (key.IsNeeded)
        {
            yield return (place.Without(), [place.OwnerName, place.Name], false, $"without {place.Name}");
            if (key.Shape is ScalarShape { Kind: ScalarKind.Text } && key.Name != "type") yield return (place.With(""), [place.Name], false, $"{place.Name} = \"\"");
            if (key.Shape is ScalarShape { Kind: ScalarKind.Number }) yield return (place.With(0), [place.Name], false, $"{place.Name} = 0");
        }
        if (key.NeededWhen is var (decider, decision))
            yield return (place.Changed(owner => { owner.Remove(key.Name); owner[decider] = decision; }), [place.OwnerName, place.Name], false, $"without {place.Name} beside {decision}");
        foreach (var other in key.Excludes)
        {
            var excluded = place.Owner.Keys.Single(k => k.Name == other);
            yield return (place.Changed(owner => { owner[key.Name] = Place.Sample(key); owner[other] = Place.Sample(excluded); }),
                [$"{place.OwnerName}.{other}", place.Name], false, $"{place.Name} beside {other}");
        }
        if (place.Owner.NeedsOneOf is [var first, ..] && key.Name == first)
            yield return (place.Without(), [place.OwnerName, place.Name], false, $"without one of {string.Join(", ", place.Owner.NeedsOneOf)}");
        yield return (place.Changed(owner => owner["noSuchKey"] = 1), [place.OwnerName.Length == 0 ? "noSuchKey" : place.OwnerName + ".noSuchKey"], false, $"noSuchKey in {place.OwnerName}");
    }

    private static IEnumerable<JsonNode> OtherTypes(Shape shape)
    {
        JsonNode[] all = [1, true, "1", new JsonArray(), new JsonObject(), 1.5];
        return shape switch
        {
            ScalarShape { Kind: ScalarKind.Number } => all.Where((_, i) => i != 0),
            ScalarShape { Kind: ScalarKind.Flag } => all.Where((_, i) => i != 1),
            ScalarShape => all.Where((_, i) => i != 2),
            ListShape => all.Where((_, i) => i != 3),
            _ => all.Where((_, i) => i != 4),
        };
    }

    private static IEnumerable<string> Faults(string program, JsonNode document, string name) =>
        [.. Validator.Of[program].Faults(document).Select(f => $"{name}: schema: {f}"), .. Docs.Mistakes(program, document).Select(e => $"{name}: {program}: {e.Path}: {e.Message}")];

    private static string? Told(string program, JsonNode document, string[] at, bool late, string name)
    {
        var faults = Validator.Of[program].Faults(document);
        if (!faults.Any(f => at.Contains(f.Key, StringComparer.Ordinal)))
            return $"{name}: the schema says {(faults.Count == 0 ? "nothing" : string.Join("; ", faults))}";
        var mistakes = Docs.Mistakes(program, document);
        if (late)
            return mistakes.Count == 0 ? null : $"{name}: judged already when it is loaded: {mistakes[0].Message}";
        return mistakes.Any(e => at.Contains(e.Path, StringComparer.Ordinal)) ? null
            : $"{name}: {program} says {(mistakes.Count == 0 ? "nothing" : string.Join("; ", mistakes.Select(e => $"{e.Path}: {e.Message}")))}";
    }
}
