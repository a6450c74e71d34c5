using System.Runtime.InteropServices;

namespace Frp.Hosting;

/// <summary>The process's own environment, which libraries read; the managed one is a copy that they do not see.</summary>
/// <remarks>Not safe while other threads read it: to be changed before there are any.</remarks>
internal static partial class NativeEnvironment
{
    internal static void Set(string name, string value) => _ = SetVariable(name, value, overwrite: 1);

    internal static void Unset(string name) => _ = UnsetVariable(name);

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetVariable(string name, string value, int overwrite);

    [LibraryImport("libc", EntryPoint = "unsetenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int UnsetVariable(string name);
}
