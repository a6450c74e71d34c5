using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Frp.Transport;

/// <summary>How many files and sockets the process may hold open.</summary>
public static partial class DescriptorLimit
{
    private const int LinuxNoFile = 7; // Source: asm-generic/resource.h; x86, arm, riscv, s390, power
    private const int BsdNoFile = 8;   // Source: sys/resource.h of macOS and FreeBSD
    private const int DuplicateCloseOnExec = 1030; // Source: linux/fcntl.h, F_DUPFD_CLOEXEC
    private const int CloseOnExec = 0x80000; // Source: sys/eventfd.h, EFD_CLOEXEC = O_CLOEXEC, but on alpha, parisc and sparc
    private const ulong MacOpenMax = 10240; // Source: macOS setrlimit(2): soft limits above OPEN_MAX are refused

    /// <summary>Descriptors that <see cref="MakeRoom"/> makes room for: 32 KB of the kernel's memory.</summary>
    internal const int Room = 4096;

    /// <summary>Raises the soft limit to the hard one, as the Go runtime does at start. Does nothing where there is no such limit.</summary>
    /// <returns>The soft limit now in force; null where there is none, or where the system would not say.</returns>
    public static long? RaiseToHard()
    {
        if (!Environment.Is64BitProcess) return null; // rlim_t has another size there
        int resource;
        if (OperatingSystem.IsLinux()) resource = LinuxNoFile;
        else if (OperatingSystem.IsMacOS() || OperatingSystem.IsFreeBSD()) resource = BsdNoFile;
        else return null;

        if (GetLimit(resource, out var limit) != 0) return null;
        var target = OperatingSystem.IsMacOS() ? Math.Min(limit.Hard, MacOpenMax) : limit.Hard;
        if (target > limit.Soft)
        {
            var raised = limit with { Soft = target };
            if (SetLimit(resource, in raised) == 0) limit = raised;
        }
        return limit.Soft > long.MaxValue ? long.MaxValue : (long)limit.Soft;
    }

    /// <summary>Has the kernel make room for <see cref="Room"/> descriptors at once. Waits some 10 ms; does nothing but on Linux.</summary>
    /// <remarks>
    /// Linux doubles the table of a process's descriptors whenever it is full, and if the process has several threads the one that opens a socket then
    /// stands still until every processor has been through the scheduler: at 64 descriptors, at 128, at 256.
    /// </remarks>
    // Measured: docs/PERFORMANCE.md, "the start". Source: Linux, fs/file.c, expand_fdtable.
    public static void MakeRoom()
    {
        if (!OperatingSystem.IsLinux() || !Environment.Is64BitProcess || GetLimit(LinuxNoFile, out var limit) != 0) return;
        using var any = CreateEvent(0, CloseOnExec);
        if (!any.IsInvalid) Duplicate(any, DuplicateCloseOnExec, (int)Math.Min(limit.Soft, Room) - 1).Dispose();
    }

    [LibraryImport("libc", EntryPoint = "eventfd")]
    private static partial SafeFileHandle CreateEvent(uint initial, int flags);

    [LibraryImport("libc", EntryPoint = "fcntl")]
    private static partial SafeFileHandle Duplicate(SafeFileHandle descriptor, int command, int atLeast);

    [LibraryImport("libc", EntryPoint = "getrlimit")]
    private static partial int GetLimit(int resource, out Limit limit);

    [LibraryImport("libc", EntryPoint = "setrlimit")]
    private static partial int SetLimit(int resource, in Limit limit);

    // struct rlimit { rlim_t rlim_cur; rlim_t rlim_max; }: 64 bits each on every 64-bit Unix.
    [StructLayout(LayoutKind.Sequential)]
    private record struct Limit(ulong Soft, ulong Hard);
}
