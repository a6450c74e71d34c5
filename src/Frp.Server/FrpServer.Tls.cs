using Frp.Transport;
using Microsoft.Extensions.Logging;

namespace Frp.Server;

// The key that clients may know the server by, told in the log.
public sealed partial class FrpServer
{
    private string? _announcedKey;

    /// <summary>Tells the key, unless it is the one that was told last. A generated one is told when it is there.</summary>
    private void AnnounceKey(TlsServer identity) => _background.RunChild("TLS key", async stopping =>
    {
        string key = await identity.GetKeyPinAsync().WaitAsync(stopping);
        if (Interlocked.Exchange(ref _announcedKey, key) == key) return;
        if (identity.IsGenerated) Log.GeneratedTlsKey(_logger, key);
        else Log.TlsKey(_logger, key);
    });

    private static partial class Log
    {
        [LoggerMessage(20, LogLevel.Information, "TLS key of this server: {Key}")]
        internal static partial void TlsKey(ILogger logger, string key);

        [LoggerMessage(21, LogLevel.Information, "TLS key of this server: {Key} (generated, another one after a restart: for a lasting one set transport.tls.certFile and keyFile)")]
        internal static partial void GeneratedTlsKey(ILogger logger, string key);
    }
}
