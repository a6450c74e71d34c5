using System.Runtime.InteropServices;

namespace Frp.Hosting;

/// <summary>The system's certificate authorities, which the platform reads and parses at the first certificate chain it builds, asked for or not.</summary>
public static partial class SystemTrust
{
    /// <summary>
    /// Keeps OpenSSL's platform from loading them, for a program that will verify against its own files or not at all.
    /// Call before the first use of TLS. Does nothing where the platform has another source of trust.
    /// </summary>
    // Measured: without this some 150 files are opened and parsed on the way to the first login, for a client that asks for none of them.
    // The variables are the platform's own switch; only this process's copy is changed, and children get the managed one.
    public static void LeaveUnloaded()
    {
        if (!OperatingSystem.IsLinux() && !OperatingSystem.IsFreeBSD()) return;
        _ = SetVariable("SSL_CERT_FILE", "/dev/null", overwrite: 1);
        _ = SetVariable("SSL_CERT_DIR", "/dev/null", overwrite: 1);
    }

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetVariable(string name, string value, int overwrite);
}
