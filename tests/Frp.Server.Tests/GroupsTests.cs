using System.Net;
using System.Threading.Channels;
using Frp.Proxies;
using Frp.Transport;
using Frp.Wire;
using Microsoft.Extensions.Logging.Abstractions;

namespace Frp.Server.Tests;

public sealed class GroupsTests
{
    private readonly UserGroups _groups = new(NullLogger.Instance);
    private readonly List<Entrance> _entrances = [];

    [Fact]
    public async Task Users_go_round_while_all_members_are_idle()
    {
        await using var a = await JoinAsync("a");
        await using var b = await JoinAsync("b");
        await using var c = await JoinAsync("c");
        var served = new List<string>();
        // Each goes back into the line before its turn comes again: the third of three users is taken behind that.
        foreach (var share in new[] { a, b, c }) _ = ServeAsync(share, served);
        for (int i = 0; i < 9; i++)
        {
            var user = new User();
            Door.Users.Writer.TryWrite(user);
            await user.Taken.Task.WaitAsync(Limit);
        }
        Assert.Equal(["a", "b", "c", "a", "b", "c", "a", "b", "c"], served);
    }

    [Fact]
    public async Task A_busy_member_is_passed_over_and_a_user_waits_when_all_are_busy()
    {
        await using var a = await JoinAsync("a");
        await using var b = await JoinAsync("b");
        var first = b.AcceptAsync(CancellationToken.None);
        var users = Enumerable.Range(0, 3).Select(_ => new User()).ToArray();
        foreach (var user in users) Door.Users.Writer.TryWrite(user);
        Assert.Same(users[0], await first.AsTask().WaitAsync(Limit));
        // Nobody is in line: the next user is held, and the one behind it is not even accepted.
        Assert.Same(users[1], await b.AcceptAsync(CancellationToken.None).AsTask().WaitAsync(Limit));
        Assert.Same(users[2], await a.AcceptAsync(CancellationToken.None).AsTask().WaitAsync(Limit));
    }

    [Fact]
    public async Task Members_leave_without_harm_and_the_last_one_closes_the_entrance()
    {
        var a = await JoinAsync("a");
        var b = await JoinAsync("b");
        var waits = a.AcceptAsync(CancellationToken.None);
        await a.DisposeAsync();
        Assert.Null(await waits.AsTask().WaitAsync(Limit));
        Assert.Null(await a.AcceptAsync(CancellationToken.None));
        Assert.False(Door.IsDisposed);
        var user = new User();
        Door.Users.Writer.TryWrite(user);
        Assert.Same(user, await b.AcceptAsync(CancellationToken.None).AsTask().WaitAsync(Limit));
        await b.DisposeAsync();
        await b.DisposeAsync();
        Assert.True(Door.IsDisposed);
        Assert.Equal(0, _groups.Count);
        // Whoever comes next founds another group, with a key of its own.
        await using var c = await JoinAsync("c", key: "other");
        Assert.Equal(2, _entrances.Count);
    }

    [Fact]
    public async Task A_member_that_gives_up_waiting_takes_no_user_with_it()
    {
        await using var a = await JoinAsync("a");
        await using var b = await JoinAsync("b");
        using var cancel = new CancellationTokenSource();
        var first = a.AcceptAsync(cancel.Token);
        var second = b.AcceptAsync(CancellationToken.None);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await first);
        var user = new User();
        Door.Users.Writer.TryWrite(user);
        Assert.Same(user, await second.AsTask().WaitAsync(Limit));
    }

    [Fact]
    public async Task A_user_held_for_want_of_a_member_is_closed_when_the_last_one_leaves()
    {
        var a = await JoinAsync("a");
        var user = new User();
        Door.Users.Writer.TryWrite(user);
        await a.DisposeAsync();
        // Held by the group, or never accepted: in neither case does anybody serve it.
        if (!Door.Users.Reader.TryRead(out _)) await user.Closed.Task.WaitAsync(Limit);
        Assert.True(Door.IsDisposed);
    }

    [Theory]
    [InlineData("tcp", "7", "key", "group should have same remote port")]
    [InlineData("tcp", "7", "other", "group should have same remote port")]
    [InlineData("tcp", "6", "other", "group auth failed")]
    [InlineData("https", "7", "key", "group params invalid")]
    [InlineData("tcpmux", "6", "", "group auth failed")]
    public async Task Those_who_do_not_fit_are_refused_and_open_nothing(string kind, string parameters, string key, string text)
    {
        await using var first = await JoinAsync("a", kind);
        var asynchronous = await Assert.ThrowsAsync<PeerRefusedException>(async () => await JoinAsync("b", kind, parameters, key));
        var atOnce = Assert.Throws<PeerRefusedException>(() => _groups.Join(kind, new Member("b", key), parameters, () => new Entrance()));
        Assert.Equal((text, text), (asynchronous.Message, atOnce.Message));
        Assert.Single(_entrances);
    }

    [Fact]
    public async Task Kinds_have_names_of_their_own_and_groups_of_mere_names_work_alike()
    {
        await using var port = await JoinAsync("a");
        var names = new Entrance();
        await using (var one = _groups.Join("https", new Member("b"), "x", () => names))
        {
            await using var two = _groups.Join("https", new Member("c"), "x", () => throw new InvalidOperationException("opened twice"));
            Assert.Equal(2, _groups.Count);
            var user = new User();
            var waits = two.AcceptAsync(CancellationToken.None);
            names.Users.Writer.TryWrite(user);
            Assert.Same(user, await waits.AsTask().WaitAsync(Limit));
        }
        Assert.True(names.IsDisposed);
        Assert.Equal(1, _groups.Count);
    }

    [Fact]
    public async Task An_entrance_that_cannot_be_opened_leaves_no_group_behind()
    {
        await Assert.ThrowsAsync<PeerRefusedException>(async () => await _groups.JoinAsync("tcp", new Member("a"), "6", () => throw new PeerRefusedException("port already used"), CancellationToken.None));
        Assert.Throws<PeerRefusedException>(() => _groups.Join("https", new Member("a"), "6", () => throw new PeerRefusedException("router config conflict")));
        Assert.Equal(0, _groups.Count);
        await using var a = await JoinAsync("a", key: "now mine");
    }

    [Fact]
    public async Task Many_who_come_and_go_atOnce_share_one_entrance_at_a_time()
    {
        int open = 0, most = 0;
        await Task.WhenAll(Enumerable.Range(0, 8).Select(async n =>
        {
            for (int round = 0; round < 50; round++)
            {
                await using var share = await _groups.JoinAsync("tcp", new Member($"{n}"), "6", OpenAsync, CancellationToken.None);
                await Task.Yield();
            }
        })).WaitAsync(Limit);
        Assert.Equal((0, 1, 0), (open, most, _groups.Count));

        async ValueTask<IUserListener> OpenAsync()
        {
            await Task.Yield();
            most = Math.Max(most, Interlocked.Increment(ref open));
            return new Entrance { OnDisposed = () => Interlocked.Decrement(ref open) };
        }
    }

    [Fact]
    public async Task Another_member_is_one_that_was_not_tried()
    {
        await using var a = await JoinAsync("a");
        await using var b = await JoinAsync("b");
        var c = await JoinAsync("c");
        Assert.Same(b.Member, a.Group.Another([a.Member, c.Member]));
        await c.DisposeAsync();
        for (int i = 0; i < 4; i++) Assert.Same(b.Member, a.Group.Another([a.Member]));
        Assert.Null(a.Group.Another([a.Member, b.Member]));
    }

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private Entrance Door => _entrances[0];

    private async Task<GroupShare> JoinAsync(string name, string kind = "tcp", string parameters = "6", string key = "key") =>
        kind == "tcp" ? await _groups.JoinAsync(kind, new Member(name, key), parameters, () => ValueTask.FromResult(Open()), CancellationToken.None) : _groups.Join(kind, new Member(name, key), parameters, Open);

    private IUserListener Open()
    {
        _entrances.Add(new Entrance());
        return _entrances[^1];
    }

    private static async Task ServeAsync(GroupShare share, List<string> served)
    {
        while (await share.AcceptAsync(CancellationToken.None) is { } user)
        {
            served.Add(share.Member.Registration.ProxyName);
            ((User)user).Taken.TrySetResult();
        }
    }

    private sealed class Member(string name, string key = "key") : IGroupMember
    {
        public NewProxy Registration { get; } = new() { ProxyName = name, Group = "group", GroupKey = key };
    }

    private sealed class Entrance : IUserListener
    {
        internal Channel<User> Users { get; } = Channel.CreateUnbounded<User>();

        internal bool IsDisposed { get; private set; }

        internal Action? OnDisposed { get; init; }

        public int Port => 6;

        public async ValueTask<Connection?> AcceptAsync(CancellationToken cancellationToken)
        {
            while (await Users.Reader.WaitToReadAsync(cancellationToken))
            {
                if (Users.Reader.TryRead(out var user)) return user;
            }
            return null;
        }

        public ValueTask DisposeAsync()
        {
            if (!IsDisposed) OnDisposed?.Invoke();
            IsDisposed = true;
            Users.Writer.TryComplete();
            return ValueTask.CompletedTask;
        }
    }

    private sealed class User : Connection
    {
        internal TaskCompletionSource Taken { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        internal TaskCompletionSource Closed { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public override Stream Stream { get; } = new MemoryStream();

        public override EndPoint? Local => null;

        public override EndPoint? Remote => null;

        public override bool CanHalfClose => false;
        public override LinkState State => LinkState.Delivered;

        public override ValueTask CompleteWritesAsync(CancellationToken cancellationToken) => throw new NotSupportedException();

        public override void Abort() => Closed.TrySetResult();

        public override ValueTask DisposeAsync()
        {
            Closed.TrySetResult();
            return ValueTask.CompletedTask;
        }
    }
}
