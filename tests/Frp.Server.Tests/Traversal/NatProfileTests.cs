using Frp.Proxies;

namespace Frp.Server.Tests;

public sealed class NatProfileTests
{
    internal static NatProfile Of(string mapped, string assisted = "") =>
        NatProfile.Of("client", mapped.Split(' ', StringSplitOptions.RemoveEmptyEntries), assisted.Split(' ', StringSplitOptions.RemoveEmptyEntries));

    [Theory]
    [InlineData("203.0.113.1:2000 203.0.113.1:2000", "NoChange", 0, false)]
    [InlineData("203.0.113.1:2000 203.0.113.2:2000", "IpChanged", 0, false)]
    [InlineData("203.0.113.1:2000 203.0.113.1:2001", "PortChanged", 1, true)]
    [InlineData("203.0.113.1:2005 203.0.113.1:2000", "PortChanged", 5, true)]
    [InlineData("203.0.113.1:2000 203.0.113.1:2006", "PortChanged", 6, false)]
    [InlineData("203.0.113.1:2000 203.0.113.1:2003 203.0.113.1:2001", "PortChanged", 3, true)]
    [InlineData("203.0.113.1:2000 203.0.113.2:2001", "BothChanged", 0, false)]
    [InlineData("203.0.113.1:2000 203.0.113.1:2000 203.0.113.1:2002", "PortChanged", 2, true)]
    public void Addresses_tell_what_a_nat_keeps(string mapped, string behavior, int difference, bool isRegular)
    {
        var profile = Of(mapped);
        Assert.Equal((behavior, difference, isRegular, behavior == "NoChange"), (profile.Behavior.ToString(), profile.PortsDifference, profile.IsRegular, profile.IsEasy));
    }

    [Theory]
    [InlineData("203.0.113.1:2000 203.0.113.1:2000", "", false)]
    [InlineData("203.0.113.1:2000 203.0.113.1:2000", "10.0.0.1:2000", false)]
    [InlineData("203.0.113.1:2000 203.0.113.1:2000", "10.0.0.1:2000 203.0.113.1:77", true)]
    [InlineData("203.0.113.1:2000 203.0.113.2:2000", "203.0.113.2:2000", true)]
    public void A_host_is_public_that_has_one_of_its_mapped_addresses_itself(string mapped, string assisted, bool isPublic) => Assert.Equal(isPublic, Of(mapped, assisted).IsPublic);

    [Fact]
    public void Addresses_that_follow_each_other_twice_are_told_once()
    {
        var profile = Of("203.0.113.1:2000 203.0.113.1:2000 203.0.113.2:1 203.0.113.1:2000", "10.0.0.1:1 10.0.0.1:1");
        Assert.Equal(["203.0.113.1:2000", "203.0.113.2:1", "203.0.113.1:2000"], profile.Mapped);
        Assert.Equal(["10.0.0.1:1"], profile.Assisted);
        Assert.Equal((2000, "203.0.113.1"), (profile.LastPort, profile.Address.ToString()));
    }

    [Theory]
    [InlineData("", "", "not enough addresses")]
    [InlineData("203.0.113.1:2000", "", "not enough addresses")]
    [InlineData("x y", "", "[x] is no address with a port")]
    [InlineData("203.0.113.1:2000 203.0.113.1", "", "[203.0.113.1] is no address with a port")]
    [InlineData("203.0.113.1:2000 203.0.113.1:0", "", "[203.0.113.1:0] is no address with a port")]
    [InlineData("203.0.113.1:2000 203.0.113.1:99999", "", "[203.0.113.1:99999] is no address with a port")]
    [InlineData("203.0.113.1:2000 203.0.113.1:2000", "some.host:80", "[some.host:80] is no address with a port")]
    public void What_is_no_address_goes_no_further(string mapped, string assisted, string cause) =>
        Assert.Equal("classify client nat feature error: " + cause, Assert.Throws<PeerRefusedException>(() => Of(mapped, assisted)).Message);

    [Fact]
    public void Addresses_have_a_bound()
    {
        string Many(int count) => string.Join(' ', Enumerable.Repeat("203.0.113.1:2000", count));
        Assert.True(Of(Many(2), Many(NatProfile.MostAddresses - 2)).IsPublic);
        Assert.Contains("too many addresses", Assert.Throws<PeerRefusedException>(() => Of(Many(2), Many(NatProfile.MostAddresses - 1))).Message, StringComparison.Ordinal);
    }
}
