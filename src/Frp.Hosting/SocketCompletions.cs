using System.Runtime.CompilerServices;

namespace Frp.Hosting;

/// <summary>Where the continuations of socket operations run.</summary>
public static class SocketCompletions
{
    private const string Variable = "DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS";

    /// <summary>On the thread that saw the kernel's event (docs/ARCHITECTURE.md, "A byte's way"). Call before anything else runs: the platform
    /// reads it once, at the first socket.</summary>
    public static void RunInline()
    {
        // Compiled ahead of time the platform reads the process's own environment, and setting the managed one would first copy it, variable
        // by variable. The just-in-time runtime knows only the copy.
        if (RuntimeFeature.IsDynamicCodeSupported || OperatingSystem.IsWindows()) Environment.SetEnvironmentVariable(Variable, "1");
        else NativeEnvironment.Set(Variable, "1");
    }
}
