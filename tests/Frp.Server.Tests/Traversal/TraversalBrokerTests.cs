using System.Threading.Channels;
using Frp.Config;
using Frp.Proxies;
using Frp.Transport;
using Frp.Wire;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Frp.Server.Tests;

public sealed class TraversalBrokerTests
{
    private const string Key = "the key";
    private static readonly string[] ProxyAddresses = ["203.0.113.1:2000", "203.0.113.1:2000"];
    private static readonly string[] VisitorAddresses = ["198.51.100.1:1000", "198.51.100.1:1000"];

    private readonly WatchedTime _time = new();
    private readonly SecretProofs _proofs;
    private readonly TraversalBroker _broker;
    private readonly Party _owner = new("owner");
    private readonly Party _friend = new("friend");

    public TraversalBrokerTests()
    {
        _proofs = new SecretProofs(new ServerAuthConfig(), _time);
        _broker = new TraversalBroker(new LocalIngressRegistry(_time), new TraversalRecords(TimeSpan.FromHours(10), _time), _time, NullLogger.Instance);
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private TraversalListener Listen(params string[] allowUsers) => _broker.Listen(new SecretEntrance(new SecretOwner("p", "owner", HalfClose: false), Key, allowUsers), _owner);

    private static NatHoleVisitor Request(string key = Key, string name = "p", params string[] mapped) => new()
    {
        TransactionId = "v1", ProxyName = name, Protocol = "kcp", Timestamp = 1_700_000_000, SignKey = AuthKey.Compute(key, 1_700_000_000),
        MappedAddrs = [.. mapped.Length > 0 ? mapped : VisitorAddresses], AssistedAddrs = ["10.0.0.1:1000"],
    };

    private string RefusalOf(Party party, NatHoleVisitor request) => Assert.Throws<PeerRefusedException>(() => _broker.Begin(party, request, _proofs)).Message;

    private async Task<string> BeginAsync(TraversalListener listener, params string[] mapped)
    {
        Assert.Null(_broker.Begin(_friend, Request(mapped: mapped), _proofs));
        return (await listener.AcceptAsync(Token))!;
    }

    private static NatHoleClient Answer(string sid, params string[] mapped) =>
        new() { TransactionId = "c1", ProxyName = "p", Sid = sid, MappedAddrs = [.. mapped.Length > 0 ? mapped : ProxyAddresses] };

    [Fact]
    public void A_check_tells_who_may_come_and_begins_nothing()
    {
        Listen("friend");
        var answer = _broker.Begin(_friend, new NatHoleVisitor { TransactionId = "t", ProxyName = "p", PreCheck = true }, _proofs);
        Assert.Equal(("t", ""), (answer!.TransactionId, answer.Error));
        Assert.Equal("xtcp visitor user [owner] not allowed for [p]", RefusalOf(_owner, new NatHoleVisitor { ProxyName = "p", PreCheck = true }));
        Assert.Equal("xtcp server for [q] doesn't exist", RefusalOf(_friend, new NatHoleVisitor { ProxyName = "q", PreCheck = true }));
        Assert.Equal(0, _broker.AttemptCount);
    }

    [Fact]
    public void A_request_is_refused_to_who_does_not_know_the_key_and_to_who_may_not_come()
    {
        Listen("friend");
        Assert.Equal("xtcp connection of [p] auth failed", RefusalOf(_friend, Request("wrong")));
        Assert.Equal("xtcp server for [q] doesn't exist", RefusalOf(_friend, Request(name: "q")));
        Assert.Equal("xtcp visitor user [owner] not allowed for [p]", RefusalOf(_owner, Request())); // though he has left out the check
    }

    [Fact]
    public void An_old_proof_is_refused_where_clocks_are_compared()
    {
        Listen("friend");
        var config = new ServerConfig();
        config.Auth.MaxClockSkewSeconds = 60;
        config.Complete();
        var strict = new SecretProofs(config.Auth, _time);
        var refusal = Assert.Throws<PeerRefusedException>(() => _broker.Begin(_friend, Request(), strict));
        Assert.StartsWith("the time in NatHoleVisitor is", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Both_sides_learn_each_others_addresses_and_the_receiver_first()
    {
        var sid = await BeginAsync(Listen("friend"));
        _broker.Answer(_owner, Answer(sid));
        var toVisitor = await _friend.ReceiveAsync();
        Assert.Equal(("v1", sid, "kcp", ""), (toVisitor.TransactionId, toVisitor.Sid, toVisitor.Protocol, toVisitor.Error));
        Assert.Equal(["203.0.113.1:2000"], toVisitor.CandidateAddrs);
        Assert.Empty(toVisitor.AssistedAddrs);
        Assert.Equal(new DetectBehavior { Role = "receiver", Ttl = 7, ReadTimeoutMs = 5000, CandidatePorts = toVisitor.DetectBehavior.CandidatePorts }, toVisitor.DetectBehavior);
        Assert.False(_owner.HasMessage);
        await _time.AdvanceAsync(timers: 2, TimeSpan.FromSeconds(1));
        var toProxy = await _owner.ReceiveAsync();
        Assert.Equal(("c1", sid, "kcp", "sender"), (toProxy.TransactionId, toProxy.Sid, toProxy.Protocol, toProxy.DetectBehavior.Role));
        Assert.Equal(["198.51.100.1:1000"], toProxy.CandidateAddrs);
        Assert.Equal(["10.0.0.1:1000"], toProxy.AssistedAddrs);
        _broker.Report(_owner, new NatHoleReport { Sid = sid, Success = true });
        await _friend.IdleAsync();
        Assert.Equal(0, _broker.AttemptCount);
    }

    [Fact]
    public async Task What_was_reported_to_work_is_the_next_way()
    {
        var listener = Listen("friend");
        for (int i = 0; i < 3; i++)
        {
            var sid = await BeginAsync(listener);
            _broker.Answer(_owner, Answer(sid));
            var first = await _friend.ReceiveAsync();
            Assert.Equal(("receiver", 7), (first.DetectBehavior.Role, first.DetectBehavior.Ttl));
            await _time.AdvanceAsync(timers: 2 + 3 * i, TimeSpan.FromSeconds(1));
            await _owner.ReceiveAsync();
            _broker.Report(_owner, new NatHoleReport { Sid = sid, Success = true });
            await _friend.IdleAsync();
        }
    }

    [Fact]
    public async Task Addresses_that_are_none_are_refused_to_both()
    {
        var sid = await BeginAsync(Listen("friend"), "x", "y");
        _broker.Answer(_owner, Answer(sid));
        foreach (var party in new[] { _friend, _owner }) Assert.Equal("classify visitor nat feature error: [x] is no address with a port", (await party.ReceiveAsync()).Error);
        await _friend.IdleAsync();
        Assert.Equal(0, _broker.AttemptCount);
    }

    [Fact]
    public async Task Nobody_else_can_answer_or_report()
    {
        var sid = await BeginAsync(Listen("friend"));
        _broker.Answer(_friend, Answer(sid));
        _broker.Report(_friend, new NatHoleReport { Sid = sid, Success = true });
        _broker.Answer(_owner, Answer("none"));
        _broker.Report(_owner, new NatHoleReport { Sid = "none" });
        Assert.Equal(1, _broker.AttemptCount);
        Assert.False(_friend.HasMessage);
        _broker.Answer(_owner, Answer(sid));
        Assert.Equal("", (await _friend.ReceiveAsync()).Error);
    }

    [Fact]
    public async Task An_attempt_that_nobody_answers_is_forgotten()
    {
        await BeginAsync(Listen("friend"));
        await _time.AdvanceAsync(timers: 1, TimeSpan.FromSeconds(10));
        await _friend.IdleAsync();
        Assert.Equal((0, false), (_broker.AttemptCount, _friend.HasMessage));
    }

    [Fact]
    public async Task An_attempt_without_a_report_is_forgotten()
    {
        var sid = await BeginAsync(Listen("friend"));
        _broker.Answer(_owner, Answer(sid));
        await _friend.ReceiveAsync();
        await _time.AdvanceAsync(timers: 2, TimeSpan.FromSeconds(1));
        await _owner.ReceiveAsync();
        await _time.AdvanceAsync(timers: 3, TimeSpan.FromSeconds(34));
        Assert.Equal(1, _broker.AttemptCount);
        _time.Advance(TimeSpan.FromSeconds(1));
        await _friend.IdleAsync();
        Assert.Equal(0, _broker.AttemptCount);
    }

    [Fact]
    public async Task Attempts_have_a_bound_for_a_proxy_and_for_a_visitor()
    {
        var listener = Listen("friend");
        for (int i = 0; i < TraversalListener.QueueLength; i++) Assert.Null(_broker.Begin(_friend, Request(), _proofs));
        Assert.Equal("64 attempts wait for [p] already", RefusalOf(_friend, Request()));
        for (int i = TraversalListener.QueueLength; i < TraversalBroker.MostAttempts; i++)
        {
            Assert.NotNull(await listener.AcceptAsync(Token));
            Assert.Null(_broker.Begin(_friend, Request(), _proofs));
        }
        Assert.NotNull(await listener.AcceptAsync(Token));
        Assert.Equal("256 attempts of this client are under way already", RefusalOf(_friend, Request()));
        Assert.Equal(TraversalBroker.MostAttempts, _broker.AttemptCount);
    }

    [Fact]
    public async Task A_name_is_taken_until_its_listener_is_gone()
    {
        var listener = Listen();
        Assert.Equal("xtcp server for [p] is repeated", Assert.Throws<PeerRefusedException>(() => Listen()).Message);
        await listener.DisposeAsync();
        Assert.Null(await listener.AcceptAsync(Token));
        Listen("friend");
        await listener.DisposeAsync(); // again, which harms nobody
        Assert.Null(_broker.Begin(_friend, Request(), _proofs));
    }

    /// <summary>A clock that knows how often somebody has begun to wait for it.</summary>
    private sealed class WatchedTime : FakeTimeProvider
    {
        private readonly Channel<int> _timers = Channel.CreateUnbounded<int>();
        private int _seen;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            var timer = base.CreateTimer(callback, state, dueTime, period);
            _timers.Writer.TryWrite(0);
            return timer;
        }

        /// <summary>Lets time pass once so many timers have been made.</summary>
        internal async Task AdvanceAsync(int timers, TimeSpan time)
        {
            for (; _seen < timers; _seen++) await _timers.Reader.ReadAsync(Token).AsTask().WaitAsync(TimeSpan.FromSeconds(10), Token);
            Advance(time);
        }
    }

    private sealed class Party(string user) : ITraversalParty
    {
        private readonly Channel<NatHoleResp> _messages = Channel.CreateUnbounded<NatHoleResp>();
        private readonly List<Task> _work = [];

        public string User => user;

        public Connection Connection { get; } = new FakeConnection();

        internal bool HasMessage => _messages.Reader.Count > 0;

        public void Run(string name, Func<CancellationToken, Task> work) => _work.Add(work(Token));

        public ValueTask PostAsync(Message message, CancellationToken cancellationToken) => _messages.Writer.WriteAsync((NatHoleResp)message, cancellationToken);

        internal async Task<NatHoleResp> ReceiveAsync() => await _messages.Reader.ReadAsync(Token).AsTask().WaitAsync(TimeSpan.FromSeconds(10), Token);

        internal Task IdleAsync() => Task.WhenAll(_work).WaitAsync(TimeSpan.FromSeconds(10), Token);
    }
}
