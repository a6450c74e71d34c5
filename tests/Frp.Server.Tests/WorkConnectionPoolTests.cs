using Frp.Transport;
using Frp.Wire;
using Microsoft.Extensions.Time.Testing;

namespace Frp.Server.Tests;

public sealed class WorkConnectionPoolTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly FakeTimeProvider _time = new();
    private int _requested;

    private WorkConnectionPool NewPool(int size) => new(size, count => _requested += count, _time);

    private static WorkConnection NewConnection(out FakeConnection connection)
    {
        connection = new FakeConnection();
        return new WorkConnection(connection, new MessageStream(connection.Stream, V1Codec.Instance), RelayEnd.CloseBoth);
    }

    [Fact]
    public async Task An_idle_connection_is_taken_at_once_and_one_more_is_asked_for()
    {
        var pool = NewPool(1);
        var connection = NewConnection(out _);
        Assert.True(pool.TryAdd(connection));
        Assert.Same(connection, await pool.TakeAsync(Patience, CancellationToken.None));
        Assert.Equal(1, _requested);
    }

    [Fact]
    public async Task An_empty_pool_asks_for_two_and_hands_the_first_to_the_longest_waiting_user()
    {
        var pool = NewPool(0);
        var first = pool.TakeAsync(Patience, CancellationToken.None);
        var second = pool.TakeAsync(Patience, CancellationToken.None);
        Assert.Equal(4, _requested);
        var connection = NewConnection(out _);
        Assert.True(pool.TryAdd(connection));
        Assert.Same(connection, await first);
        Assert.False(second.IsCompleted);
    }

    [Fact]
    public async Task A_user_gives_up_in_time_and_takes_no_connection_with_it()
    {
        var pool = NewPool(0);
        var user = pool.TakeAsync(Patience, CancellationToken.None);
        _time.Advance(Patience);
        Assert.Null(await user);
        var connection = NewConnection(out _);
        Assert.True(pool.TryAdd(connection));
        Assert.Same(connection, await pool.TakeAsync(Patience, CancellationToken.None));
    }

    [Fact]
    public async Task A_cancelled_user_gives_up()
    {
        var pool = NewPool(0);
        using var cancel = new CancellationTokenSource();
        var user = pool.TakeAsync(Patience, cancel.Token);
        await cancel.CancelAsync();
        Assert.Null(await user);
    }

    [Theory]
    [InlineData(0, 10)]
    [InlineData(5, 15)]
    public void The_queue_is_bounded(int size, int capacity)
    {
        var pool = NewPool(size);
        for (int i = 0; i < capacity; i++) Assert.True(pool.TryAdd(NewConnection(out _)));
        Assert.False(pool.TryAdd(NewConnection(out _)));
    }

    [Fact]
    public async Task Closing_closes_what_is_idle_and_tells_who_waits()
    {
        var pool = NewPool(1);
        pool.TryAdd(NewConnection(out var idle));
        await pool.CloseAsync();
        Assert.True(idle.IsDisposed);
        Assert.Null(await pool.TakeAsync(Patience, CancellationToken.None));
        Assert.False(pool.TryAdd(NewConnection(out _)));

        var other = NewPool(0);
        var user = other.TakeAsync(Patience, CancellationToken.None);
        await other.CloseAsync();
        Assert.Null(await user);
    }
}
