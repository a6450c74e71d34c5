using System.Net;
using Frp.Wire;

namespace Frp.Transport.Tests;

public sealed class PunchPlanTests
{
    [Fact]
    public void What_a_broker_says_is_followed()
    {
        var plan = PunchPlan.Of(new NatHoleResp
        {
            TransactionId = "t",
            Sid = "s",
            CandidateAddrs = ["198.51.100.7:41000", "198.51.100.8:41002"],
            AssistedAddrs = ["192.0.2.1:5000"],
            DetectBehavior = new DetectBehavior { Role = "receiver", Ttl = 7, SendDelayMs = 2000, ReadTimeoutMs = 33_000, CandidatePorts = [new PortRange { From = 40_999, To = 41_001 }], SendRandomPorts = 3, ListenRandomPorts = 256 },
        });
        Assert.Equal(("t", "s", false, 7, 3, 256), (plan.TransactionId, plan.Sid, plan.IsSender, plan.Ttl, plan.RandomPorts, plan.Listeners));
        Assert.Equal((TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(33)), (plan.Delay, plan.Wait));
        Assert.Equal([IPEndPoint.Parse("198.51.100.7:41000"), IPEndPoint.Parse("198.51.100.8:41002")], plan.Candidates);
        Assert.Equal([IPEndPoint.Parse("192.0.2.1:5000")], plan.Assisted);
        Assert.Equal([40_999, 41_000, 41_001], plan.GuessedPorts);
    }

    [Fact]
    public void What_is_left_out_is_the_least()
    {
        var plan = PunchPlan.Of(new NatHoleResp { AssistedAddrs = ["192.0.2.1:5000"], DetectBehavior = new DetectBehavior { Role = "sender" } });
        Assert.Equal((true, 0, 0, 0), (plan.IsSender, plan.Ttl, plan.RandomPorts, plan.Listeners));
        Assert.Equal((TimeSpan.Zero, TimeSpan.FromSeconds(5)), (plan.Delay, plan.Wait));
        Assert.Empty(plan.GuessedPorts);
    }

    [Fact]
    public void Nothing_goes_beyond_what_the_table_can_say()
    {
        var plan = PunchPlan.Of(new NatHoleResp
        {
            CandidateAddrs = [.. Enumerable.Range(1, 200).Select(i => $"198.51.100.{i}:1")],
            AssistedAddrs = [.. Enumerable.Range(1, 200).Select(i => $"192.0.2.{i}:1")],
            DetectBehavior = new DetectBehavior
            {
                Ttl = int.MaxValue,
                SendDelayMs = int.MaxValue,
                ReadTimeoutMs = int.MaxValue,
                CandidatePorts = [new PortRange { From = int.MinValue, To = int.MaxValue }, new PortRange { From = 1, To = 65535 }],
                SendRandomPorts = int.MaxValue,
                ListenRandomPorts = int.MaxValue,
            },
        });
        Assert.Equal((8, 10, 21), (plan.Candidates.Count, plan.Assisted.Count, plan.GuessedPorts.Count));
        Assert.Equal((255, 1000, 256), (plan.Ttl, plan.RandomPorts, plan.Listeners));
        Assert.Equal((TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(45)), (plan.Delay, plan.Wait));
        var least = PunchPlan.Of(new NatHoleResp
        {
            CandidateAddrs = ["198.51.100.1:1", "198.51.100.1:1"],
            DetectBehavior = new DetectBehavior { Ttl = -1, SendDelayMs = -1, ReadTimeoutMs = -1, SendRandomPorts = -1, ListenRandomPorts = -1, CandidatePorts = [new PortRange { From = 9, To = 8 }, new PortRange { From = 0, To = 1 }, new PortRange { From = 65535, To = 70000 }] },
        });
        Assert.Equal((0, TimeSpan.Zero, TimeSpan.FromSeconds(5), 0, 0), (least.Ttl, least.Delay, least.Wait, least.RandomPorts, least.Listeners));
        Assert.Single(least.Candidates);
        Assert.Equal([1, 65535], least.GuessedPorts);
    }

    [Fact]
    public void Without_an_address_there_is_no_way()
    {
        var answer = new NatHoleResp { CandidateAddrs = ["", "example.org:1", "198.51.100.1:0", "198.51.100.1", "[2001:db8::1]:5", "198.51.100.1:65536"] };
        Assert.Equal("the server names no address of the peer", Assert.Throws<IOException>(() => PunchPlan.Of(answer)).Message);
    }
}
