using Microsoft.Extensions.Time.Testing;

namespace Frp.Server.Tests;

public sealed class LocalIngressRegistryTests
{
    private static readonly IngressKey Port = new(IngressKind.TcpPort, "6000");

    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void A_key_has_one_owner_until_it_is_given_back()
    {
        var registry = new LocalIngressRegistry(_time);
        var claim = registry.TryClaim(Port, "a");
        Assert.NotNull(claim);
        Assert.Null(registry.TryClaim(Port, "b"));
        Assert.True(registry.IsClaimed(Port));
        claim.Dispose();
        Assert.False(registry.IsClaimed(Port));
        Assert.NotNull(registry.TryClaim(Port, "b"));
    }

    [Fact]
    public void Giving_back_twice_does_not_take_the_next_owner_away()
    {
        var registry = new LocalIngressRegistry(_time);
        var first = registry.TryClaim(Port, "a")!;
        first.Dispose();
        Assert.NotNull(registry.TryClaim(Port, "b"));
        first.Dispose();
        Assert.True(registry.IsClaimed(Port));
    }

    [Fact]
    public void Name_spaces_do_not_meet()
    {
        var registry = new LocalIngressRegistry(_time);
        Assert.NotNull(registry.TryClaim(Port, "a"));
        Assert.NotNull(registry.TryClaim(Port with { Kind = IngressKind.UdpPort }, "a"));
        Assert.NotNull(registry.TryClaim(new IngressKey(IngressKind.ProxyName, "6000"), "a"));
    }

    [Fact]
    public void The_last_port_of_a_name_is_remembered_for_a_day()
    {
        var registry = new LocalIngressRegistry(_time);
        Assert.Null(registry.LastPort(IngressKind.TcpPort, "a"));
        registry.TryClaim(Port, "a")!.Dispose();
        _time.Advance(TimeSpan.FromHours(23.9));
        Assert.Equal(6000, registry.LastPort(IngressKind.TcpPort, "a"));
        Assert.Null(registry.LastPort(IngressKind.UdpPort, "a"));
        _time.Advance(TimeSpan.FromHours(0.2));
        Assert.Null(registry.LastPort(IngressKind.TcpPort, "a"));
    }

    [Fact]
    public void What_is_remembered_has_a_bound_and_the_oldest_goes_first()
    {
        var registry = new LocalIngressRegistry(_time);
        for (int i = 0; i <= 65_536; i++)
        {
            registry.TryClaim(Port, $"p{i}")!.Dispose();
            _time.Advance(TimeSpan.FromMilliseconds(1));
        }
        Assert.Null(registry.LastPort(IngressKind.TcpPort, "p0"));
        Assert.Equal(6000, registry.LastPort(IngressKind.TcpPort, "p1"));
        Assert.Equal(6000, registry.LastPort(IngressKind.TcpPort, "p65536"));
    }
}
