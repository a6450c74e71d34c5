using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;

namespace Frp.Transport;

/// <summary>Who one side is in a handshake: a certificate, its key, and what goes out with it.</summary>
internal static class TlsIdentity
{
    /// <summary>An identity of files, which is read again when they change.</summary>
    /// <exception cref="TlsFileException">A file is missing, unreadable or not what it should be, or the two do not belong together.</exception>
    internal static FreshFiles<SslStreamCertificateContext> Watch(string certFile, string keyFile, TimeProvider timeProvider, ILogger logger) =>
        FreshFiles<SslStreamCertificateContext>.Open([certFile, keyFile], () =>
        {
            var (leaf, intermediates) = PemFiles.LoadIdentity(certFile, keyFile);
            return Of(leaf, intermediates);
        }, Describe, timeProvider, logger);

    // Offline: the chain that goes out is what the file holds; nobody is asked for the rest.
    internal static SslStreamCertificateContext Of(X509Certificate2 leaf, X509Certificate2Collection intermediates) =>
        SslStreamCertificateContext.Create(leaf, intermediates, offline: true);

    private static string Describe(SslStreamCertificateContext identity) =>
        $"certificate valid until {identity.TargetCertificate.NotAfter.ToUniversalTime():u}, its key {KeyPin.Of(identity.TargetCertificate)}";
}
