using System.Buffers;
using Frp.Wire;

namespace Frp.Client;

/// <summary>What the first login will need, made ready on a thread of its own while the program still reads its configuration.</summary>
/// <remarks>
/// The platform loads its cryptography and builds its JSON descriptions on first use, one after the other, on the way to the first
/// login. None of that depends on the configuration. A failure here is met again, and reported, where it matters.
/// </remarks>
public static class ClientWarmUp
{
    /// <summary>Starts; does not wait. The thread ends by itself and keeps no program alive.</summary>
    // Measured: 10 ms of 85 from exec to the first proxy, on two cores.
    public static void Start() => new Thread(Run) { IsBackground = true, Name = "warm-up" }.Start();

    private static void Run()
    {
        try
        {
            StreamKey.Derive("");
            var output = new ArrayBufferWriter<byte>();
            Message[] messages = [new Login(), new LoginResp(), new NewProxy(), new NewProxyResp(), new ReqWorkConn(), new NewWorkConn(), new StartWorkConn()];
            foreach (var message in messages)
            {
                output.ResetWrittenCount();
                V1Codec.Instance.Write(output, message);
                V1Codec.Instance.Decode(output.WrittenSpan);
            }
            Transport.TlsClient.Load(new Transport.TlsClientOptions(), TimeProvider.System);
        }
        catch (Exception e) when (e is System.Security.Cryptography.CryptographicException or TypeInitializationException or DllNotFoundException)
        {
            // Whatever is wrong with the platform's cryptography, the login says so.
        }
    }
}
