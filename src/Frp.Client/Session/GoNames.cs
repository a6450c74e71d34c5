using System.Runtime.InteropServices;

namespace Frp.Client;

/// <summary>Operating system and architecture in the words that logins carry: those of the Go tool chain.</summary>
internal static class GoNames
{
    internal static string Os { get; } =
        OperatingSystem.IsWindows() ? "windows" :
        OperatingSystem.IsMacOS() ? "darwin" :
        OperatingSystem.IsFreeBSD() ? "freebsd" :
        OperatingSystem.IsAndroid() ? "android" : "linux";

    internal static string Arch { get; } = RuntimeInformation.ProcessArchitecture switch
    {
        Architecture.X64 => "amd64",
        Architecture.X86 => "386",
        Architecture.Ppc64le => "ppc64le",
        Architecture.LoongArch64 => "loong64",
        var other => other.ToString().ToLowerInvariant(),
    };
}
