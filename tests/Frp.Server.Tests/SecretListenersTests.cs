using Frp.Config;
using Frp.Proxies;
using Frp.Transport;
using Frp.Wire;
using Microsoft.Extensions.Time.Testing;

namespace Frp.Server.Tests;

public sealed class SecretListenersTests
{
    private const string Key = "the key";
    private readonly FakeConnection _connection = new();
    private readonly SecretProofs _proofs = new(new ServerAuthConfig(), new FakeTimeProvider());
    private readonly SecretListeners _secrets = new(new LocalIngressRegistry(new FakeTimeProvider()));

    private SecretListener Listen(string name, params string[] allowUsers) => _secrets.Listen(new SecretEntrance(new SecretOwner(name, "owner", HalfClose: false), Key, allowUsers));

    private static NewVisitorConn Visitor(string name, string key = Key) => new() { ProxyName = name, Timestamp = 1_700_000_000, SignKey = AuthKey.Compute(key, 1_700_000_000) };

    private string RefusalOf(NewVisitorConn visitor, string user) => Assert.Throws<PeerRefusedException>(() => Admit(visitor, user)).Message;

    private SecretListener Admit(NewVisitorConn visitor, string user) => _secrets.Admit(visitor, _connection, user, _proofs);

    private static VisitorUser NewUser(out FakeConnection connection) => new(connection = new FakeConnection(), V1Codec.Instance, RelayEnd.CloseBoth);

    [Theory]
    [InlineData("", "owner", true)]
    [InlineData("", "friend", false)]
    [InlineData("", "", false)]
    [InlineData("friend", "friend", true)]
    [InlineData("friend", "owner", false)]
    [InlineData("friend", "*", false)]
    [InlineData("a,friend", "friend", true)]
    [InlineData("*", "owner", true)]
    [InlineData("*", "anybody", true)]
    [InlineData("*", "", true)]
    [InlineData("x,*", "anybody", true)]
    [InlineData("Friend", "friend", false)]
    public void The_users_who_may_come_are_those_of_the_list_and_without_one_the_owner(string allowed, string user, bool admitted)
    {
        var listener = Listen("p", allowed.Length == 0 ? [] : allowed.Split(','));
        if (admitted) Assert.Same(listener, Admit(Visitor("p"), user));
        else Assert.Equal($"visitor connection of [p] user [{user}] not allowed", RefusalOf(Visitor("p"), user));
    }

    [Fact]
    public void The_name_is_checked_first_then_the_key_then_the_user()
    {
        Listen("p");
        Assert.Equal("custom listener for [q] doesn't exist", RefusalOf(Visitor("q", "wrong"), "stranger"));
        Assert.Equal("visitor connection of [p] auth failed", RefusalOf(Visitor("p", "wrong"), "stranger"));
        Assert.Equal("visitor connection of [p] user [stranger] not allowed", RefusalOf(Visitor("p"), "stranger"));
        var stale = Visitor("p");
        stale.Timestamp++;
        Assert.Equal("visitor connection of [p] auth failed", RefusalOf(stale, "owner"));
        Assert.Equal("visitor connection of [p] auth failed", RefusalOf(new NewVisitorConn { ProxyName = "p" }, "owner"));
    }

    [Fact]
    public async Task A_name_is_taken_until_its_listener_is_gone()
    {
        var listener = Listen("p");
        Assert.Equal("custom listener for [p] is repeated", Assert.Throws<PeerRefusedException>(() => Listen("p")).Message);
        await listener.DisposeAsync();
        var successor = Listen("p");
        await listener.DisposeAsync(); // again, which harms nobody
        Assert.Same(successor, Admit(Visitor("p"), "owner"));
    }

    [Fact]
    public async Task A_queue_that_is_full_refuses_and_a_place_that_is_taken_from_it_is_free_again()
    {
        var listener = Listen("p");
        for (int i = 0; i < SecretListener.QueueLength; i++) Assert.True(Admit(Visitor("p"), "owner").Deliver(NewUser(out _)));
        Assert.Equal("put conn error: 128 visitors are waiting for [p] already", RefusalOf(Visitor("p"), "owner"));
        Assert.NotNull(await listener.AcceptAsync(TestContext.Current.CancellationToken));
        var one = Admit(Visitor("p"), "owner");
        var two = Admit(Visitor("p"), "owner"); // who was admitted for the same place comes too late
        Assert.Equal((true, false), (one.Deliver(NewUser(out _)), two.Deliver(NewUser(out _))));
    }

    [Fact]
    public async Task Visitors_come_out_in_their_order_and_one_who_waits_for_them_gets_them()
    {
        var listener = Listen("p");
        var waiting = listener.AcceptAsync(TestContext.Current.CancellationToken);
        Assert.False(waiting.IsCompleted);
        VisitorUser[] users = [NewUser(out _), NewUser(out _), NewUser(out _)];
        foreach (var user in users) Admit(Visitor("p"), "owner").Deliver(user);
        Assert.Same(users[0], await waiting.AsTask().WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken));
        Assert.Same(users[1], await listener.AcceptAsync(TestContext.Current.CancellationToken));
        Assert.Same(users[2], await listener.AcceptAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task The_end_of_a_proxy_closes_those_who_wait_and_refuses_those_who_come()
    {
        var listener = Listen("p");
        Admit(Visitor("p"), "owner").Deliver(NewUser(out var waiting));
        var late = Admit(Visitor("p"), "owner");
        await listener.DisposeAsync();
        Assert.True(waiting.IsDisposed);
        Assert.False(late.Deliver(NewUser(out var undelivered)));
        Assert.False(undelivered.IsDisposed); // the caller's still
        Assert.Null(await listener.AcceptAsync(TestContext.Current.CancellationToken));
        Assert.Equal("custom listener for [p] doesn't exist", RefusalOf(Visitor("p"), "owner"));
        Assert.Equal("put conn error: listener is closed", Assert.Throws<PeerRefusedException>(listener.CheckRoom).Message);
    }
}
