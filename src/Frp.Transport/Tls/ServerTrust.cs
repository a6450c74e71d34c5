using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;

namespace Frp.Transport;

/// <summary>How a client tells its server from an impostor: by authorities, by its key, by both, or not at all.</summary>
/// <remarks>Everything that is configured must hold. A key without authorities is enough: name, issuer and time of the certificate then do not matter.</remarks>
internal sealed class ServerTrust
{
    private readonly FreshFiles<TrustAnchors>? _authorities;
    private readonly bool _system;
    private readonly IReadOnlyList<string> _pins;
    private readonly KnownServers? _known;

    private ServerTrust(FreshFiles<TrustAnchors>? authorities, bool system, IReadOnlyList<string> pins, KnownServers? known)
    {
        _authorities = authorities;
        _system = system;
        _pins = pins;
        _known = known;
    }

    /// <summary>Whether a server can be refused at all.</summary>
    internal bool Verifies => _authorities is not null || _system || NamesKeys;

    private bool NamesKeys => _pins.Count > 0 || _known is not null;

    /// <exception cref="TlsFileException">A file is missing, unreadable or not what it should be.</exception>
    internal static ServerTrust Load(TlsClientOptions options, string server, TimeProvider timeProvider, ILogger logger) => new(
        options.TrustedCaFile.Length == 0 ? null : TrustAnchors.Watch(options.TrustedCaFile, TrustAnchors.ForServers, timeProvider, logger),
        options.TrustSystemCAs,
        options.PinnedKeys,
        options.KnownServersFile.Length == 0 ? null : KnownServers.Open(options.KnownServersFile, server, timeProvider, logger));

    /// <summary>Begins to judge the server of one handshake.</summary>
    /// <param name="name">The name or address that its certificate must be for, where authorities decide.</param>
    internal async ValueTask<Judge> BeginAsync(string name) =>
        new(this, _authorities is not null ? await _authorities.GetAsync() : _system ? TrustAnchors.System : null, name);

    /// <summary>The judge of one handshake.</summary>
    internal sealed class Judge(ServerTrust trust, TrustAnchors? authorities, string name)
    {
        private string? _pin;
        private string? _refusal;

        /// <summary>Why the server was refused; null when it was not.</summary>
        internal string? Refusal => _refusal is null ? null : $"server certificate refused: {_refusal}";

        internal X509ChainPolicy CreatePolicy() => (authorities ?? TrustAnchors.None).CreatePolicy();

        /// <summary>The platform's question whether it may go on.</summary>
        // Compat: where nothing is configured the reference accepts any server; its own generated certificate names nobody.
        internal bool IsGood(object sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors)
        {
            _refusal = authorities?.Judge(certificate, chain, errors, name) ?? (trust.NamesKeys ? JudgeKey(certificate) : null);
            return _refusal is null;
        }

        /// <summary>Asks who was seen before, and keeps the key of who was not. Behind the handshake, in which the server has proved to have the key.</summary>
        /// <exception cref="System.Security.Authentication.AuthenticationException">Another key is known, or it cannot be kept.</exception>
        internal ValueTask AdmitAsync(CancellationToken cancellationToken) =>
            trust._known is { } known && _pin is { } pin ? known.AdmitAsync(pin, cancellationToken) : ValueTask.CompletedTask;

        private string? JudgeKey(X509Certificate? certificate)
        {
            if (certificate is not X509Certificate2 leaf) return "no certificate was presented";
            string pin = _pin = KeyPin.Of(leaf);
            if (trust._pins.Count > 0 && !trust._pins.Contains(pin, StringComparer.Ordinal)) return $"its key {pin} is not the pinned one";
            return null;
        }
    }
}
