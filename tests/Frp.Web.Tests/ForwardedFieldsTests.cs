using Microsoft.AspNetCore.Http;

namespace Frp.Web.Tests;

public sealed class ForwardedFieldsTests
{
    private static readonly Dictionary<string, string> None = [];

    private static string Forwarded(ForwardedFields what, Dictionary<string, string> from, Dictionary<string, string>? set = null)
    {
        var headers = new HeaderDictionary { ["Host"] = "site.test:8080", ["Forwarded"] = "for=3.3.3.3" };
        foreach (var (name, value) in from) headers[name] = value.Split('|');
        using var request = new HttpRequestMessage(HttpMethod.Get, "http://local-service/");
        var settings = new HttpSettings("", "", "", set ?? None, None) { Forwarded = what, Scheme = "https" };
        HttpHeaderRules.CopyRequest(headers, request, HttpIdentity.Of("/", headers), "9.9.9.9", settings);
        return string.Join("; ", request.Headers.NonValidated.Where(h => h.Key.Contains("orwarded", StringComparison.Ordinal)).Select(h => $"{h.Key[^3..]}={string.Join('|', h.Value)}").Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Extended_they_tell_of_the_user_and_what_he_asked_for()
    {
        Assert.Equal("For=9.9.9.9; ost=site.test:8080; oto=https", Forwarded(ForwardedFields.Extend, []));
        Assert.Equal("For=1.1.1.1, 2.2.2.2, 9.9.9.9; ost=site.test:8080; oto=https",
            Forwarded(ForwardedFields.Extend, new() { ["X-Forwarded-For"] = "1.1.1.1|2.2.2.2", ["X-Forwarded-Host"] = "other.test", ["X-Forwarded-Proto"] = "gopher" }));
        Assert.Equal("For=9.9.9.9; ost=site.test:8080; oto=set", Forwarded(
            ForwardedFields.Extend, new() { ["X-Forwarded-For"] = "1.1.1.1", ["Connection"] = "X-Forwarded-For" }, new() { ["X-Forwarded-Proto"] = "set" }));
    }

    [Fact]
    public void Kept_they_are_those_that_came()
    {
        Assert.Equal("", Forwarded(ForwardedFields.Keep, []));
        Assert.Equal("For=1.1.1.1|2.2.2.2; oto=gopher", Forwarded(ForwardedFields.Keep, new() { ["X-Forwarded-For"] = "1.1.1.1|2.2.2.2", ["X-Forwarded-Proto"] = "gopher" }));
        Assert.Equal("For=set", Forwarded(
            ForwardedFields.Keep, new() { ["X-Forwarded-For"] = "1.1.1.1", ["X-Forwarded-Host"] = "a", ["Connection"] = "X-Forwarded-Host" }, new() { ["X-Forwarded-For"] = "set" }));
    }

    [Fact]
    public void Removed_there_are_none_but_those_that_are_set()
    {
        Assert.Equal("", Forwarded(ForwardedFields.Remove, new() { ["X-Forwarded-For"] = "1.1.1.1", ["X-Forwarded-Host"] = "a", ["X-Forwarded-Proto"] = "b" }));
        Assert.Equal("For=set", Forwarded(ForwardedFields.Remove, new() { ["X-Forwarded-For"] = "1.1.1.1" }, new() { ["X-Forwarded-For"] = "set" }));
    }
}
