namespace Frp.Hosting;

/// <summary>The system's certificate authorities, which the platform reads and parses at the first certificate chain it builds, asked for or not.</summary>
public static class SystemTrust
{
    private static readonly string[] Variables = ["SSL_CERT_FILE", "SSL_CERT_DIR"];
    private static readonly string?[] Inherited = new string?[Variables.Length];

    private static bool IsOpenSsl => OperatingSystem.IsLinux() || OperatingSystem.IsFreeBSD();

    /// <summary>
    /// Keeps OpenSSL's platform from loading them, for a program that will verify against its own files or not at all.
    /// Call before anything else runs. Does nothing where the platform has another source of trust.
    /// </summary>
    // Measured: without this some 150 files are opened and parsed on the way to the first login, for a client that asks for none of them.
    // The variables are the platform's own switch.
    public static void LeaveUnloaded()
    {
        if (!IsOpenSsl) return;
        for (int i = 0; i < Variables.Length; i++)
        {
            Inherited[i] = Environment.GetEnvironmentVariable(Variables[i]);
            NativeEnvironment.Set(Variables[i], "/dev/null");
        }
    }

    /// <summary>Takes <see cref="LeaveUnloaded"/> back, for a configuration that needs them. Call before the first use of TLS.</summary>
    public static void Load()
    {
        if (!IsOpenSsl) return;
        for (int i = 0; i < Variables.Length; i++)
        {
            if (Inherited[i] is { } value) NativeEnvironment.Set(Variables[i], value);
            else NativeEnvironment.Unset(Variables[i]);
        }
    }
}
