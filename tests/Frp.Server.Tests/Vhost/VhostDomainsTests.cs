using Frp.Config;
using Frp.Proxies;
using Frp.Wire;

namespace Frp.Server.Tests;

public sealed class VhostDomainsTests
{
    private static readonly ServerConfig Config = new() { SubDomainHost = "frp.test" };

    [Fact]
    public void Own_names_come_first_and_empty_ones_do_not_count()
    {
        Assert.Equal(["B.x", "*.c.x", "Web.frp.test"], Of("Web", "B.x", "", "*.c.x"));
        Assert.Equal(["frp.test", "xfrp.test", "a.xfrp.test", "a.frp.test.org"], Of("", "frp.test", "xfrp.test", "a.xfrp.test", "a.frp.test.org"));
        Assert.Empty(Of("", ""));
    }

    [Theory]
    [InlineData("x.frp.test")]
    [InlineData("y.x.frp.test")]
    [InlineData(".frp.test")]
    [InlineData("*.frp.test")]
    [InlineData("x.FRP.test")]
    [InlineData("x.frp.test.")]
    public void Names_under_the_sub_domain_host_are_not_for_the_asking(string domain) =>
        Assert.Equal($"custom domain [{domain}] should not belong to subdomain host [frp.test]", Refused("a.b", domain));

    [Theory]
    [InlineData("a.b")]
    [InlineData("*")]
    public void A_sub_domain_is_one_label(string subdomain) => Assert.Equal("'.' and '*' are not supported in subdomain", Refused(subdomain));

    [Fact]
    public void Without_a_sub_domain_host_there_are_no_sub_domains() => Assert.Equal(
        "subdomain is not supported because this feature is not enabled in server",
        Assert.Throws<PeerRefusedException>(() => VhostDomains.Of(new NewProxy { Subdomain = "a.b" }, new ServerConfig())).Message);

    [Theory]
    [InlineData(80, "A.x,a.x,::1")]
    [InlineData(443, "A.x,a.x,::1")]
    [InlineData(8443, "A.x:8443,a.x:8443,[::1]:8443")]
    public void The_address_has_the_port_unless_URLs_go_without_it(int port, string expected) => Assert.Equal(expected, VhostDomains.RemoteAddress(["A.x", "a.x", "::1"], port));

    private static IReadOnlyList<string> Of(string subdomain, params string[] domains) => VhostDomains.Of(new NewProxy { Subdomain = subdomain, CustomDomains = [.. domains] }, Config);

    private static string Refused(string subdomain, params string[] domains) => Assert.Throws<PeerRefusedException>(() => Of(subdomain, domains)).Message;
}
