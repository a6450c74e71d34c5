namespace Frp.Hosting.Tests;

public sealed class StartupMemoryTests
{
    private const string Smaps = """
        56553c941000-56553ceef000 r-xp 0000f000 fe:00 11657221                   /opt/frp/frpc
        Rss:                5368 kB
        Private_Dirty:      5368 kB
        Anonymous:             0 kB
        56553d148000-56553d31c000 r--p 00816000 fe:00 11657221                   /opt/frp/frpc
        Rss:                1704 kB
        Anonymous:          1704 kB
        56553d31e000-56553d33c000 rw-p 009eb000 fe:00 11657221                   /opt/frp/frpc
        Anonymous:             0 kB
        7f6751c00000-7f6751e01000 rw-p 00000000 00:00 0
        Anonymous:          2052 kB
        7ffd1a5f0000-7ffd1a5f2000 r-xp 00000000 00:00 0                          [vdso]
        Anonymous:             0 kB
        7f674a820000-7f674a882000 r--p 0041f000 fe:00 332131                     /usr/lib/a library with spaces.so
        Anonymous:             0 kB
        """;

    [Fact]
    public void Only_mappings_of_files_that_nobody_has_written_to_are_dropped()
    {
        var dropped = StartupMemory.CleanCode(Smaps.Split('\n')).ToArray();
        (ulong, ulong)[] expected = [(0x56553c941000, 0x56553ceef000 - 0x56553c941000), (0x7f674a820000, 0x7f674a882000 - 0x7f674a820000)];
        Assert.Equal(expected, dropped.Select(range => ((ulong)range.Start, (ulong)range.Length)));
    }

    [Fact]
    public void Everything_still_runs_afterwards()
    {
        StartupMemory.Release();
        Assert.Equal("42", string.Concat(Enumerable.Range(4, 1).Append(2)));
    }
}
