using System.Buffers;
using System.Net.Sockets;
using System.Security.Cryptography;
using Frp.Wire;

namespace Frp.Transport;

/// <summary>What the first login will need, made ready while a program still reads its configuration or waits for its first peer.</summary>
/// <remarks>
/// The platform loads its cryptography and builds its JSON descriptions on first use, one after the other, on the way to the first
/// login. None of that depends on the configuration. A failure here is met again, and reported, where it matters.
/// </remarks>
public static class WarmUp
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>Starts; does not wait. It ends by itself, in a fraction of a second, and keeps no program alive.</summary>
    /// <param name="trustIsSettled">Set when a TLS handshake may be rehearsed too: the first one settles for good whom the platform trusts. Null for no
    /// rehearsal: for who dials at once, and gets there no sooner.</param>
    // Measured: docs/PERFORMANCE.md, "the start".
    public static void Start(ManualResetEventSlim? trustIsSettled = null)
    {
        StartThreads();
        new Thread(() => Run(trustIsSettled)) { IsBackground = true, Name = "warm-up" }.Start();
    }

    // Those of the platform that every run needs. Who starts a thread waits until it runs, and the C library starts none while it loads a library:
    // beside the warm-up, each may cost a millisecond.
    private static void StartThreads()
    {
        using var timer = new Timer(static _ => { }, null, Patience, Timeout.InfiniteTimeSpan);
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
    }

    private static void Run(ManualResetEventSlim? trustIsSettled)
    {
        try
        {
            if (OperatingSystem.IsLinux()) _ = SafeEvpPKeyHandle.OpenSslVersion; // loads the library; more would be in the way of a handshake that comes meanwhile
            var output = new ArrayBufferWriter<byte>();
            Message[] messages = [new Login(), new LoginResp(), new NewProxy(), new NewProxyResp(), new ReqWorkConn(), new NewWorkConn(), new StartWorkConn()];
            foreach (var message in messages)
            {
                output.ResetWrittenCount();
                V1Codec.Instance.Write(output, message);
                V1Codec.Instance.Decode(output.WrittenSpan);
            }
            StreamKey.Derive("");
            if (trustIsSettled?.Wait(Patience) == true) _ = TlsRehearsal.RunAsync(TimeProvider.System);
            DescriptorLimit.MakeRoom();
        }
        catch (Exception e) when (e is CryptographicException or TypeInitializationException or DllNotFoundException)
        {
            // Whatever is wrong with the platform's cryptography, the login says so.
        }
    }
}
