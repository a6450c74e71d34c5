using System.Runtime.InteropServices;

namespace Frp.Transport;

/// <summary>How many files and sockets the process may hold open.</summary>
public static partial class DescriptorLimit
{
    private const int LinuxNoFile = 7; // Source: asm-generic/resource.h; x86, arm, riscv, s390, power
    private const int BsdNoFile = 8;   // Source: sys/resource.h of macOS and FreeBSD
    private const ulong MacOpenMax = 10240; // Source: macOS setrlimit(2): soft limits above OPEN_MAX are refused

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

    [LibraryImport("libc", EntryPoint = "getrlimit")]
    private static partial int GetLimit(int resource, out Limit limit);

    [LibraryImport("libc", EntryPoint = "setrlimit")]
    private static partial int SetLimit(int resource, in Limit limit);

    // struct rlimit { rlim_t rlim_cur; rlim_t rlim_max; }: 64 bits each on every 64-bit Unix.
    [StructLayout(LayoutKind.Sequential)]
    private record struct Limit(ulong Soft, ulong Hard);
}
