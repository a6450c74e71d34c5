namespace Frp.Transport.Tests;

public sealed class WaitingRoomTests
{
    private readonly WaitingRoom _room = new(3);
    private readonly List<string> _expelled = [];

    [Fact]
    public void The_one_that_has_waited_longest_goes()
    {
        foreach (string name in (string[])["a", "b", "c"]) Enter(name);
        Assert.Empty(_expelled);
        Enter("d");
        Enter("e");
        Assert.Equal(["a", "b"], _expelled);
        Assert.Equal(3, _room.Count);
    }

    [Fact]
    public void Whoever_is_served_takes_no_place_and_comes_back_behind_the_others()
    {
        var a = Enter("a");
        Enter("b");
        Enter("c");
        Assert.True(a.Leave());
        Assert.False(a.Leave());
        Enter("d");
        Assert.Empty(_expelled);
        a.Return();
        a.Return(); // a second time is none
        Assert.Equal(["b"], _expelled);
        Enter("e");
        Enter("f");
        Assert.Equal(["b", "c", "d"], _expelled);
    }

    [Fact]
    public void Whoever_is_over_is_not_expelled_and_does_not_come_back()
    {
        var a = Enter("a");
        a.Dispose();
        a.Return();
        Assert.Equal(0, _room.Count);
        foreach (string name in (string[])["b", "c", "d"]) Enter(name);
        Assert.Empty(_expelled);
    }

    [Fact]
    public void Whoever_is_expelled_has_left()
    {
        var a = Enter("a");
        foreach (string name in (string[])["b", "c", "d"]) Enter(name);
        Assert.Equal(["a"], _expelled);
        Assert.False(a.Leave());
        a.Dispose();
        Assert.Equal(3, _room.Count);
    }

    [Fact]
    public void Crowds_end_in_order()
    {
        Parallel.For(0, 8, _ =>
        {
            for (int i = 0; i < 10_000; i++)
            {
                using var place = _room.Enter(static () => { });
                if (i % 2 == 0) continue;
                place.Leave();
                place.Return();
            }
        });
        Assert.Equal(0, _room.Count);
    }

    private WaitingRoom.Place Enter(string name) => _room.Enter(() => _expelled.Add(name));
}
