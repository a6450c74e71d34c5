using System.Text;
using System.Text.Json;
using Frp.Config;
using Frp.Transport;
using Frp.Wire;
using Microsoft.Extensions.Logging;
using Microsoft.IdentityModel.Protocols;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Microsoft.IdentityModel.Tokens;

namespace Frp.Server;

/// <summary>What an issuer said of itself: its public keys, and the algorithms that it signs with. Immutable.</summary>
/// <param name="Keys">RSA and elliptic curve keys.</param>
/// <param name="Algorithms">Those of <see cref="IssuerKeys.Asymmetric"/> that it names; all of them where it names none.</param>
internal sealed record IssuerDocument(IReadOnlyList<SecurityKey> Keys, IReadOnlyList<string> Algorithms)
{
    /// <summary>Keys that a token may have been signed with: those of its key id, or all when it names none.</summary>
    internal IReadOnlyList<SecurityKey> Find(string? keyId) => string.IsNullOrEmpty(keyId) ? Keys : [.. Keys.Where(key => key.KeyId == keyId)];
}

/// <summary>The keys of one issuer: discovered at the start, asked for again when a token does not fit them.</summary>
/// <remarks>
/// <para><b>Limits.</b> Strangers choose key ids, so tokens make us ask once in <see cref="AskAgainAfter"/> at most, one question at a time.
/// Documents are bounded, and so is the number of keys. When the issuer does not answer the keys that are known stay.</para>
/// <para><b>Source.</b> OpenID Connect Discovery 1.0 §4; RFC 7517; wire specification §10.4.</para>
/// <para><b>Concurrency.</b> All members may be called from any thread.</para>
/// </remarks>
internal sealed partial class IssuerKeys
{
    /// <summary>Signatures by a key pair. None that a public key could be mistaken for the secret of.</summary>
    internal static readonly string[] Asymmetric =
    [
        SecurityAlgorithms.RsaSha256, SecurityAlgorithms.RsaSha384, SecurityAlgorithms.RsaSha512,
        SecurityAlgorithms.RsaSsaPssSha256, SecurityAlgorithms.RsaSsaPssSha384, SecurityAlgorithms.RsaSsaPssSha512,
        SecurityAlgorithms.EcdsaSha256, SecurityAlgorithms.EcdsaSha384, SecurityAlgorithms.EcdsaSha512,
    ];

    // An issuer has a handful of keys of 1 KiB each; with certificates some have 30 KiB.
    private const int MaxDocumentBytes = 256 * 1024;
    private const int MaxKeys = 64;

    private static readonly TimeSpan AskAgainAfter = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan GrowOldAfter = TimeSpan.FromHours(1);
    private static readonly TimeSpan RenewAgainAfter = TimeSpan.FromMinutes(5);

    private static readonly TimeSpan DiscoveryTime = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan AnswerTime = TimeSpan.FromSeconds(5); // a client waits 10 s for the answer to its login

    private readonly string _issuer;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly SemaphoreSlim _asking = new(1, 1);
    private volatile IssuerDocument _current;
    private long _fetchedAt;
    private long _askedAt;

    private IssuerKeys(string issuer, IssuerDocument document, TimeProvider time, ILogger logger)
    {
        (_issuer, _current, _time, _logger) = (issuer, document, time, logger);
        _fetchedAt = time.GetTimestamp();
        _askedAt = _fetchedAt - (long)(RenewAgainAfter.TotalSeconds * time.TimestampFrequency); // keys may change right after the start
    }

    /// <summary>The keys as they are known.</summary>
    internal IssuerDocument Current => _current;

    /// <summary>Asks an issuer for the first time.</summary>
    /// <param name="issuer">Its URL, as tokens have it.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Told of later failures.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="ConfigException">It cannot be reached, or is not what it should be.</exception>
    internal static async Task<IssuerKeys> DiscoverAsync(string issuer, TimeProvider time, ILogger logger, CancellationToken cancellationToken)
    {
        if (!Uri.TryCreate(issuer, UriKind.Absolute, out var url) || (url.Scheme != Uri.UriSchemeHttps && url.Scheme != Uri.UriSchemeHttp))
        {
            throw new ConfigException($"auth.oidc.issuer: [{issuer}] is not an http or https URL");
        }
        if (url.Scheme == Uri.UriSchemeHttp && !url.IsLoopback) Log.InClear(logger, issuer);
        try
        {
            return new IssuerKeys(issuer, await FetchAsync(issuer, DiscoveryTime, time, cancellationToken), time, logger);
        }
        catch (IOException e)
        {
            throw new ConfigException($"auth.oidc.issuer: discovery at {issuer} failed: {e.Message}", e);
        }
    }

    /// <summary>Asks the issuer again because a token does not fit what is known.</summary>
    /// <param name="known">What it did not fit.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>Whether something else is known now.</returns>
    internal async ValueTask<bool> AskAgainAsync(IssuerDocument known, CancellationToken cancellationToken)
    {
        if (_current != known) return true;
        if (_time.GetElapsedTime(Interlocked.Read(ref _askedAt)) < AskAgainAfter) return false;
        await _asking.WaitAsync(cancellationToken); // who asks now takes AnswerTime at most
        try
        {
            if (_current != known) return true;
            return _time.GetElapsedTime(Interlocked.Read(ref _askedAt)) >= AskAgainAfter && await RenewAsync(cancellationToken);
        }
        finally
        {
            _asking.Release();
        }
    }

    /// <summary>Asks the issuer again when what is known is old, so that a key that it has withdrawn is forgotten. Waits for nobody else who does.</summary>
    internal async ValueTask RenewOldAsync(CancellationToken cancellationToken)
    {
        if (!IsDue() || !await _asking.WaitAsync(TimeSpan.Zero, cancellationToken)) return;
        try
        {
            if (IsDue()) await RenewAsync(cancellationToken);
        }
        finally
        {
            _asking.Release();
        }

        bool IsDue() => _time.GetElapsedTime(Interlocked.Read(ref _fetchedAt)) >= GrowOldAfter && _time.GetElapsedTime(Interlocked.Read(ref _askedAt)) >= RenewAgainAfter;
    }

    private async Task<bool> RenewAsync(CancellationToken cancellationToken)
    {
        Interlocked.Exchange(ref _askedAt, _time.GetTimestamp());
        try
        {
            _current = await FetchAsync(_issuer, AnswerTime, _time, cancellationToken);
        }
        catch (IOException e)
        {
            Log.Unanswered(_logger, _issuer, e.Message);
            return false;
        }
        Interlocked.Exchange(ref _fetchedAt, _time.GetTimestamp());
        Log.Renewed(_logger, _issuer, _current.Keys.Count);
        return true;
    }

    /// <exception cref="IOException">Whatever is wrong with the issuer.</exception>
    private static async Task<IssuerDocument> FetchAsync(string issuer, TimeSpan limit, TimeProvider time, CancellationToken cancellationToken)
    {
        using var deadline = new Deadline(limit, time, cancellationToken);
        using var http = OutboundHttp.Create(new OutboundHttpOptions { MaxAnswerBytes = MaxDocumentBytes, ProxyOfEnvironment = true }, new Uri(issuer));
        try
        {
            string address = issuer.TrimEnd('/') + "/.well-known/openid-configuration";
            return Read(issuer, await OpenIdConnectConfigurationRetriever.GetAsync(address, new Documents(http), deadline.Token));
        }
        catch (OperationCanceledException e) when (deadline.HasPassed)
        {
            throw new IOException(deadline.Passed("answer").Message, e);
        }
        catch (HttpRequestException e)
        {
            throw new IOException(PeerText.Escape(OutboundHttp.Reason(e), 512), e);
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException or FormatException or JsonException)
        {
            throw new IOException($"its documents cannot be read: {PeerText.Escape(e.Message, 512)}", e);
        }
    }

    private static IssuerDocument Read(string issuer, OpenIdConnectConfiguration document)
    {
        if (document.Issuer != issuer) throw new IOException($"it calls itself {PeerText.Escape(document.Issuer ?? "", 256)}");
        IReadOnlyList<SecurityKey> keys = [.. document.SigningKeys.Where(key => key is AsymmetricSecurityKey).Take(MaxKeys)];
        if (keys.Count == 0) throw new IOException("it has no RSA or elliptic curve key to sign with");
        var named = Asymmetric.Intersect(document.IdTokenSigningAlgValuesSupported).ToArray();
        return new IssuerDocument(keys, named.Length > 0 ? named : Asymmetric);
    }

    /// <summary>Gets a document for the library, with our bounds.</summary>
    private sealed class Documents(HttpClient http) : IDocumentRetriever
    {
        public async Task<string> GetDocumentAsync(string address, CancellationToken cancel)
        {
            if (!Uri.TryCreate(address, UriKind.Absolute, out var url) || (url.Scheme != Uri.UriSchemeHttps && url.Scheme != Uri.UriSchemeHttp))
            {
                throw new IOException($"{PeerText.Escape(address, 256)} is not an http or https URL");
            }
            using var answer = await http.GetAsync(url, cancel);
            if (!answer.IsSuccessStatusCode) throw new IOException($"{PeerText.Escape(address, 256)} answered {(int)answer.StatusCode}");
            return Encoding.UTF8.GetString(await answer.Content.ReadAsByteArrayAsync(cancel));
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "auth.oidc.issuer {Issuer} is not reached by https: whoever is on the way can put keys of his own in place of its")]
        internal static partial void InClear(ILogger logger, string issuer);

        [LoggerMessage(2, LogLevel.Warning, "the keys of {Issuer} could not be renewed, those that are known stay: {Cause}")]
        internal static partial void Unanswered(ILogger logger, string issuer, string cause);

        [LoggerMessage(3, LogLevel.Debug, "the keys of {Issuer} were renewed, there are {Count}")]
        internal static partial void Renewed(ILogger logger, string issuer, int count);
    }
}
