using System.Text;
using Frp.Web;
using Microsoft.AspNetCore.Http;

namespace Frp.Server.Tests.Vhost;

public sealed class HttpIdentityTests
{
    [Theory]
    [InlineData("/", "site.test:8080", "/", "/", false)]
    [InlineData("/a%2Fb/../c?x=1", "site.test:8080", "/a/b/../c", "/a%2Fb/../c?x=1", false)]
    [InlineData("http://Other.test", "Other.test", "/", "/", true)]
    [InlineData("HTTP://u:p@other.test:81/p?q", "other.test:81", "/p", "/p?q", true)]
    [InlineData("http://other.test?q=1", "other.test", "/", "/?q=1", true)]
    [InlineData("/http://x/", "site.test:8080", "/http://x/", "/http://x/", false)]
    [InlineData("/x?u=http://y/", "site.test:8080", "/x", "/x?u=http://y/", false)]
    public void Target_and_Host_say_who_is_asked(string target, string authority, string path, string pathAndQuery, bool isProxyForm)
    {
        var identity = HttpIdentity.Of(target, new HeaderDictionary { ["Host"] = "site.test:8080" });
        Assert.Equal((authority, path, pathAndQuery, isProxyForm), (identity.Authority, identity.Path, identity.PathAndQuery, identity.IsProxyForm));
    }

    [Theory]
    [InlineData("/p?a=1&b=2", "/p?a=1&b=2")]
    [InlineData("/p?a=%2", "/p?")]
    [InlineData("/p?a=%zz&b=%20", "/p?b=%20")]
    [InlineData("/p?a=1;b=2&c", "/p?c")]
    [InlineData("/p;x=%zz?a", "/p;x=%zz?a")]
    [InlineData("/p?&&;&", "/p?")]
    public void Parameters_on_which_parsers_disagree_are_left_out(string target, string kept) =>
        Assert.Equal(kept, HttpIdentity.Of(target, new HeaderDictionary()).PathAndQuery);

    [Fact]
    public void A_site_looks_at_its_own_header_and_a_proxy_at_the_proxys()
    {
        var headers = new HeaderDictionary { ["Authorization"] = Basic("site:1"), ["Proxy-Authorization"] = Basic("proxy:2") };
        var site = HttpIdentity.Of("/", headers);
        Assert.Equal((new HttpCredentials("site", "1"), "site"), (site.Credentials!.Value, site.User));
        var proxy = HttpIdentity.Of("http://a/", headers);
        Assert.Equal((new HttpCredentials("proxy", "2"), "proxy"), (proxy.Credentials!.Value, proxy.User));
        headers.Remove("Proxy-Authorization");
        var fallen = HttpIdentity.Of("http://a/", headers);
        Assert.Null(fallen.Credentials);
        Assert.Equal("site", fallen.User);
        headers["Proxy-Authorization"] = "Bearer x";
        Assert.Equal("", HttpIdentity.Of("http://a/", headers).User);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("Basic")]
    [InlineData("Basic !!!")]
    [InlineData("Basic bm9jb2xvbg==")]
    [InlineData("Digest dTpw")]
    public void What_is_not_Basic_is_nothing(string? header) => Assert.Null(HttpCredentials.Parse(header));

    [Fact]
    public void Credentials_are_UTF_8_and_split_at_the_first_colon() =>
        Assert.Equal(new HttpCredentials("\u00fc", "p:w"), HttpCredentials.Parse(Basic("\u00fc:p:w").Replace("Basic", "bAsIc", StringComparison.Ordinal)));

    private static string Basic(string text) => "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes(text));
}
