using System.Runtime.InteropServices;

namespace Frp.Hosting;

/// <summary>The heap of the native libraries, OpenSSL's above all.</summary>
public static partial class NativeHeap
{
    private const int ArenaMax = -8; // M_ARENA_MAX. Source: mallopt(3), malloc.h of glibc.

    /// <summary>One arena for all threads. Call before there are any. Does nothing where the C library has no such choice.</summary>
    // Measured: glibc gives each thread an arena of its own, which grows a page and a system call at a time. One that is warm saves a
    // millisecond or two of the way to the first login, and memory later; what allocates under load is the managed heap.
    public static void UseOneArena()
    {
        if (!OperatingSystem.IsLinux()) return;
        try
        {
            _ = SetOption(ArenaMax, 1);
        }
        catch (EntryPointNotFoundException)
        {
            // Another C library than glibc.
        }
    }

    [LibraryImport("libc", EntryPoint = "mallopt")]
    private static partial int SetOption(int option, int value);
}
