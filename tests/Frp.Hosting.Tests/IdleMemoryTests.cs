namespace Frp.Hosting.Tests;

public sealed class IdleMemoryTests
{
    private const long Megabyte = 1024 * 1024;

    [Fact]
    public void A_busy_time_is_collected_once_when_it_is_over()
    {
        long allocated = 5 * Megabyte;
        int collections = 0;
        var memory = new IdleMemory(() => allocated, () => collections++);

        memory.Look();
        Assert.Equal(0, collections); // nothing has happened

        allocated += 100 * Megabyte;
        memory.Look();
        Assert.Equal(0, collections); // busy: the collector is at work by itself

        allocated += Megabyte / 2;
        memory.Look();
        Assert.Equal(1, collections); // over

        memory.Look();
        Assert.Equal(1, collections); // and that was it
    }

    [Fact]
    public void A_trickle_adds_up()
    {
        long allocated = 0;
        int collections = 0;
        var memory = new IdleMemory(() => allocated, () => collections++);
        for (int look = 0; look < 100; look++)
        {
            allocated += Megabyte / 2;
            memory.Look();
        }
        Assert.Equal(3, collections); // 50 MB in all, each time 16 have come together
    }
}
