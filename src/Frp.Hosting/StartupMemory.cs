using System.Globalization;
using System.Runtime.InteropServices;

namespace Frp.Hosting;

/// <summary>Gives back what only the start needed, so that an idle program is as small as what it does.</summary>
/// <remarks>
/// <para>Two things stay behind when a program has started: the garbage of reading its configuration, for which no collection comes
/// while nothing is allocated, and the pages of code that ran once (parsers, handshakes, key generation). The latter are clean copies of
/// a file and cost nothing to have again; the kernel would drop them under pressure, and here they go at once.</para>
/// <para>Linux only; elsewhere only the garbage goes.</para>
/// </remarks>
public static partial class StartupMemory
{
    private const int DontNeed = 4; // MADV_DONTNEED. Source: madvise(2).

    /// <summary>How long a program is given to start before <see cref="Release"/> is worth calling.</summary>
    public static readonly TimeSpan StartTime = TimeSpan.FromMilliseconds(200);

    /// <summary>Collects the garbage of the start and unmaps code pages; they come back when they are used.</summary>
    // Measured: docs/PERFORMANCE.md, "idle programs". 22 MB became 9, and 12 to 14 once there had been traffic.
    public static void Release()
    {
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        if (!OperatingSystem.IsLinux()) return;
        try
        {
            foreach (var (start, length) in CleanCode(File.ReadLines("/proc/self/smaps"))) _ = Advise(start, length, DontNeed);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // No /proc here: the pages stay until the kernel wants them.
        }
    }

    /// <summary>The mappings of files that are read-only and have never been written to: dropping their pages loses nothing.</summary>
    internal static IEnumerable<(nuint Start, nuint Length)> CleanCode(IEnumerable<string> smaps)
    {
        (nuint Start, nuint Length)? mapping = null;
        foreach (string line in smaps)
        {
            if (IsHeader(line, out var start, out var end, out string permissions, out bool isFile))
            {
                mapping = isFile && permissions is "r-xp" or "r--p" ? (start, end - start) : null;
            }
            else if (mapping is { } clean && line.StartsWith("Anonymous:", StringComparison.Ordinal))
            {
                // Relocated pages are read-only by now, and private copies: they exist nowhere else.
                if (line.AsSpan("Anonymous:".Length).Trim().SequenceEqual("0 kB")) yield return clean;
                mapping = null;
            }
        }
    }

    // 56504dc8c000-56504dcaa000 rw-p 009e5000 fe:00 11657221                   /usr/bin/frpc
    private static bool IsHeader(string line, out nuint start, out nuint end, out string permissions, out bool isFile)
    {
        (start, end, permissions, isFile) = (0, 0, "", false);
        string[] fields = line.Split(' ', 6, StringSplitOptions.RemoveEmptyEntries);
        if (fields.Length < 5 || fields[0].IndexOf('-', StringComparison.Ordinal) is var dash && dash < 1) return false;
        if (!nuint.TryParse(fields[0].AsSpan(0, dash), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out start)
            || !nuint.TryParse(fields[0].AsSpan(dash + 1), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out end)) return false;
        permissions = fields[1];
        isFile = fields.Length == 6 && fields[5].StartsWith('/');
        return true;
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(nuint address, nuint length, int advice);
}
