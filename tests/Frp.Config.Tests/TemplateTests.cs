using System.Text;
using System.Text.Json.Nodes;
using Frp.Config.Templates;

namespace Frp.Config.Tests;

/// <summary>The template language against what Go makes of the same templates, and its bounds.</summary>
public class TemplateTests
{
    private static readonly JsonNode Recorded = JsonNode.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Data", "templates.json")))!;
    private static readonly LoadOptions Options = OptionsOf(Recorded["environment"]!.AsObject().ToDictionary(v => v.Key, v => (string)v.Value!));

    [Fact]
    public void Every_recorded_template_is_rendered_as_Go_renders_it()
    {
        var cases = Recorded["cases"]!.AsArray();
        Assert.True(cases.Count >= 400);
        var different = new StringBuilder();
        foreach (var recorded in cases)
        {
            var template = (string)recorded!["template"]!;
            var expected = recorded["output"] is { } output ? (string)output! : "! " + recorded["error"];
            var actual = Rendered(template);
            if (expected != actual)
                different.Append("template: ").AppendLine(template).Append(" Go: ").AppendLine(expected).Append(" we: ").AppendLine(actual);
        }
        Assert.True(different.Length == 0, different.ToString());
    }

    [Theory]
    [InlineData("{{ define \"r\" }}{{ template \"r\" }}{{ end }}{{ template \"r\" }}", "exceeded maximum template depth (1000)")]
    [InlineData("{{ range 2000000000 }}{{ end }}", "the template takes more than 5000000 steps")]
    [InlineData("{{ range 3000 }}{{ range 3000 }}x{{ end }}{{ end }}", "the template takes more than 5000000 steps")]
    [InlineData("{{ $x := \"0123456789\" }}{{ range 1000 }}{{ $x = print $x $x }}{{ end }}", "the text is longer than 16777216 characters")]
    [InlineData("{{ range 100 }}{{ printf \"%1000000d\" 1 }}{{ end }}", "the rendered text is longer than 16777216 characters")]
    [InlineData("{{ $x := printf \"%1000000d\" 1 }}{{ range 1000 }}{{ $y := print $x }}{{ end }}", "the template takes more than 5000000 steps")]
    [InlineData("{{ parseNumberRange \"1-2000000000\" }}", "range number is invalid, more than 1000000 numbers")]
    [InlineData("{{ len (printf \"%s%s%s%s\" . . . .) }}{{ range 1000000 }}{{ len $.Envs.QUOTE }}{{ end }}", "the template takes more than 5000000 steps")]
    public void A_template_that_does_not_end_is_ended(string template, string words)
    {
        var rendered = Rendered(template);
        Assert.StartsWith("! template: frp:1:", rendered, StringComparison.Ordinal);
        Assert.Contains(words, rendered, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("(", ")")]
    [InlineData("{{ if true }}", "{{ end }}")]
    public void Deep_nesting_is_a_mistake_and_no_end_of_the_program(string open, string close)
    {
        var deep = string.Concat(Enumerable.Repeat(open, 100_000)) + "1" + string.Concat(Enumerable.Repeat(close, 100_000));
        Assert.Equal("! template: frp:1: max expression depth exceeded", Rendered(open.StartsWith('{') ? deep : "{{ " + deep + " }}"));
    }

    [Fact]
    public void Many_variables_and_actions_take_no_quadratic_time()
    {
        var many = new StringBuilder();
        for (var i = 0; i < 100_000; i++)
            many.Append(System.Globalization.CultureInfo.InvariantCulture, $"{{{{ $v{i} := {i} }}}}");
        Assert.Equal("99999", Rendered(many + "{{ $v99999 }}"));
        Assert.Equal(300_000, Rendered(string.Concat(Enumerable.Repeat("{{ 1 }},é", 100_000))).Length);
    }

    [Fact]
    public void A_file_without_actions_stays_as_it_is()
    {
        const string Text = "a = \"}}\" # { { \r\n\t\0 é";
        Assert.False(ConfigTemplate.IsTemplate(Encoding.UTF8.GetBytes(Text)));
        Assert.Equal(Text, Rendered(Text));
    }

    [Fact]
    public void Mistakes_behind_a_template_are_told_with_the_lines_of_the_file()
    {
        const string Text = """
            serverAddr = "{{ .Envs.HOST }}"
            {{- range $i, $p := parseNumberRangePair "6000-6001" "7000-7001" }}
            [[proxies]]
            name = "p{{ $i }}"
            type = "tcp"
            localPort = {{ $p.First }}
            remotePrt = {{ $p.Second }}
            {{- end }}
            nope = {{ .Envs.PORT }}
            """;
        const string Where = "decode proxy at index ";
        Assert.Equal(
            [
                $"f:7: proxies[0].remotePrt: {Where}0: unmarshal ProxyConfig error: json: unknown field \"remotePrt\", did you mean \"remotePort\"?",
                $"f:7: proxies[1].remotePrt: {Where}1: unmarshal ProxyConfig error: json: unknown field \"remotePrt\", did you mean \"remotePort\"?",
                $"f:9: proxies[1].nope: {Where}1: unmarshal ProxyConfig error: json: unknown field \"nope\"",
            ], Loading.ClientErrors(Text, "f", Options));
        Assert.StartsWith("f.toml:3: toml: line 3, column ", Assert.Single(Loading.ServerErrors("{{ range 3 }}\n{{ end }}\nx = = {{ 1 }}", "f.toml", Options)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("bindPort = {{ .Envs.PORT }}", "f")]
    [InlineData("bindPort: {{ .Envs.PORT }}", "f.yaml")]
    [InlineData("{\"bindPort\": {{ .Envs.PORT }}}", "f.json")]
    [InlineData("[common]\nbind_port = {{ .Envs.PORT }}", "f.ini")]
    [InlineData("# {{ .Envs.NOPE }}\nbindPort = {{/* the usual one */}} 7000", "f.toml")]
    public void Every_format_is_a_template(string text, string name) => Assert.Equal(7000, Loading.Server(text, name, Options).BindPort);

    [Fact]
    public void A_broken_template_is_told_with_its_line()
    {
        Assert.Equal(["f:3: template: frp:3: unclosed action"], Loading.ServerErrors("\n\n{{ .Bad", "f", Options));
        Assert.Equal(["f:2: template: frp:2: function \"parseNumberRange\" not defined"], Loading.ServerErrors("[common]\nbind_port = {{ parseNumberRange \"1\" }}", "f", Options));
    }

    [Fact]
    public void The_process_has_an_environment()
    {
        var name = Environment.GetEnvironmentVariables().Keys.Cast<string>().First(n => n.All(char.IsAsciiLetterOrDigit));
        var rendered = ConfigTemplate.Render("{{ range $k, $v := .Envs }}{{ $k }}\n{{ end }}", "f", new LoadOptions(), withRanges: true).Text;
        Assert.Contains(name, rendered.Split('\n'));
    }

    private static string Rendered(string template)
    {
        try
        {
            return ConfigTemplate.Render(template, "f", Options, withRanges: true).Text;
        }
        catch (ConfigException e)
        {
            return "! " + Assert.Single(e.Errors).Message;
        }
    }

    private static LoadOptions OptionsOf(Dictionary<string, string> environment) =>
        new() { Environment = environment.GetValueOrDefault, EnvironmentNames = () => environment.Keys };
}
