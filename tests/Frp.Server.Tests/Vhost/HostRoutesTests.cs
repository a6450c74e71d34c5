using CsCheck;

namespace Frp.Server.Tests;

public sealed class HostRoutesTests
{
    private readonly HostRoutes<string> _routes = new();

    [Theory]
    [InlineData("a.b.c", "a.b.c")]
    [InlineData("x.b.c", "*.b.c")]
    [InlineData("y.x.b.c", "*.b.c")]
    [InlineData("x.d.b.c", "*.d.b.c")]
    [InlineData("d.b.c", "*.b.c")]
    [InlineData("q.c", null)] // two labels are no pattern's business
    [InlineData("b.c", null)]
    [InlineData("z.q.c", null)] // *.c would match two labels only
    [InlineData("plain", "plain")]
    [InlineData("", null)]
    public void A_host_is_looked_for_by_name_and_then_by_pattern_from_the_left(string host, string? expected)
    {
        foreach (string domain in new[] { "a.b.c", "*.b.c", "*.d.b.c", "*.c", "plain" }) Assert.True(Add(domain));
        Assert.Equal(expected is null ? null : $"{expected}||", FindKey(host));
        Assert.True(Add("*"));
        Assert.Equal(expected is null ? "*||" : $"{expected}||", FindKey(host));
    }

    [Theory]
    [InlineData("u", "/", "a.b.c||u")]
    [InlineData("v", "/", "*.b.c||v")] // the pattern's user beats nobody's at the pattern, but not at the host
    [InlineData("w", "/", "*.b.c||")]
    [InlineData("", "/", "*.b.c||")]
    [InlineData("U", "/", "*.b.c||")] // users have a letter case
    public void At_each_step_the_users_own_route_comes_first(string user, string path, string expected)
    {
        Assert.True(Add("a.b.c", "", "u") && Add("*.b.c") && Add("*.b.c", "", "v") && Add("*", "", "w"));
        Assert.Equal(expected, FindKey("a.b.c", path, user));
    }

    [Theory]
    [InlineData("/", "h||")]
    [InlineData("/api", "h|/api|")]
    [InlineData("/apix", "h|/api|")] // a plain prefix
    [InlineData("/api/v1/x", "h|/api/v1|")]
    [InlineData("/API", "h||")]
    public void The_longest_location_wins(string path, string expected)
    {
        Assert.True(Add("h", "/api") && Add("h") && Add("h", "/api/v1") && Add("h", "/a/very/long/one"));
        Assert.Equal(expected, FindKey("h", path));
    }

    [Fact]
    public void Letter_case_and_the_dot_of_the_root_are_no_difference()
    {
        Assert.True(Add("Www.Example.COM"));
        Assert.False(Add("www.example.com."));
        Assert.Equal("Www.Example.COM||", FindKey(HostRoutes.Fold("WWW.example.com.")));
        _routes.Remove(new RouteKey("WWW.EXAMPLE.COM", "", ""));
        Assert.True(Add("www.example.com."));
    }

    [Fact]
    public void A_key_is_taken_until_it_is_removed_and_then_the_others_stay()
    {
        Assert.True(Add("h", "/a") && Add("h", "/b") && Add("h", "/a", "u"));
        Assert.False(Add("h", "/a"));
        _routes.Remove(new RouteKey("h", "/a", ""));
        _routes.Remove(new RouteKey("h", "/none", ""));
        _routes.Remove(new RouteKey("none", "", ""));
        Assert.Null(FindKey("h", "/a"));
        Assert.Equal("h|/b|", FindKey("h", "/b"));
        Assert.Equal("h|/a|u", FindKey("h", "/a", "u"));
        Assert.True(Add("h", "/a"));
    }

    [Fact]
    public void A_host_longer_than_any_matches_the_pattern_for_all_only()
    {
        string host = string.Concat(Enumerable.Repeat("a.", 10_000)) + "example.com";
        Assert.True(Add("*.example.com"));
        Assert.Null(FindKey(host));
        Assert.True(Add("*"));
        Assert.Equal("*||", FindKey(host));
    }

    [Theory]
    [InlineData("Example.com:80", "example.com")]
    [InlineData("example.com.", "example.com")]
    [InlineData("[::1]:80", "::1")]
    [InlineData("[::1]", "::1")]
    [InlineData("::1", "::1")]
    [InlineData(":80", "")]
    [InlineData("", "")]
    [InlineData("[broken", "[broken")]
    public void The_host_of_an_authority(string authority, string expected) => Assert.Equal(expected, HostRoutes.HostOf(authority));

    [Fact]
    public void The_table_finds_what_the_rules_say()
    {
        var label = OneOf("a", "b", "*");
        var domain = label.Array[1, 4].Select(l => string.Join('.', l));
        var user = OneOf("", "u", "v");
        var path = OneOf("", "/", "/x", "/xy", "/x/y");
        var key = Gen.Select(domain, path, user, (d, p, u) => new RouteKey(d, p, u));
        Gen.Select(key.Array[0, 12], key.Array[0, 3], OneOf("a", "b").Array[1, 4].Select(l => string.Join('.', l)), path, user).Sample((added, removed, host, request, who) =>
        {
            var table = new HostRoutes<string>();
            var kept = new HashSet<RouteKey>();
            foreach (var k in added) Assert.Equal(kept.Add(k), table.TryAdd(k, k.ToString()));
            foreach (var k in removed)
            {
                kept.Remove(k);
                table.Remove(k);
            }
            var expected = Naive(kept, host, request, who);
            Assert.Equal(expected?.ToString(), table.TryFind(host, request, who, out string? found) ? found : null);
        });
    }

    private static Gen<string> OneOf(params string[] values) => Gen.Int[0, values.Length - 1].Select(i => values[i]);

    /// <summary>The rules, word for word.</summary>
    private static RouteKey? Naive(HashSet<RouteKey> keys, string host, string path, string user)
    {
        var domains = new List<string> { host };
        var labels = host.Split('.');
        for (int i = 1; labels.Length - i >= 2; i++) domains.Add("*." + string.Join('.', labels[i..]));
        domains.Add("*");
        foreach (string domain in domains)
        {
            foreach (string who in new[] { user, "" })
            {
                var best = keys.Where(k => k.Domain == domain && k.User == who && path.StartsWith(k.Location, StringComparison.Ordinal)).OrderByDescending(k => k.Location.Length);
                if (best.Any()) return best.First();
            }
        }
        return null;
    }

    private bool Add(string domain, string location = "", string user = "") => _routes.TryAdd(new RouteKey(domain, location, user), $"{domain}|{location}|{user}");

    private string? FindKey(string host, string path = "", string user = "") => _routes.TryFind(host, path, user, out string? found) ? found : null;
}
