using System.Collections.Specialized;
using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Web;
using Frp.Config;
using Frp.Transport;
using Frp.Wire;

namespace Frp.Client;

/// <summary>A token as its endpoint has issued it.</summary>
/// <param name="Value">The access token.</param>
/// <param name="Lifetime">How long it is good for, from the question on; null when that was not said.</param>
internal sealed record IssuedToken(string Value, TimeSpan? Lifetime);

/// <summary>The client's side of the client credentials grant of OAuth 2.0.</summary>
/// <remarks>
/// <para>The credentials go out by HTTP Basic first and, when that is refused, as fields of the form; what worked is kept to.</para>
/// <para><b>Source.</b> RFC 6749 §2.3.1, §4.4, §5; wire specification §10.4.</para>
/// <para><b>Concurrency.</b> One question at a time.</para>
/// </remarks>
internal sealed class TokenEndpoint : IDisposable
{
    // Longer than any token that fits into a message, with a refresh token and an ID token beside it.
    private const int MaxAnswerBytes = 256 * 1024;
    private const int MaxReasonLength = 256;

    // A server waits 10 s for a login.
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    private readonly ClientOidcConfig _config;
    private readonly TimeProvider _time;
    private readonly HttpClient _http;
    private bool? _byHeader; // null until one way has worked

    private TokenEndpoint(ClientOidcConfig config, HttpClient http, TimeProvider time) => (_config, _http, _time) = (config, http, time);

    /// <summary>Prepares questions to the configured endpoint. Asks nothing yet.</summary>
    /// <exception cref="ConfigException">The bundle of authorities or the proxy's URL cannot be used.</exception>
    internal static TokenEndpoint Create(ClientOidcConfig config, TimeProvider time)
    {
        var options = new OutboundHttpOptions
        {
            MaxAnswerBytes = MaxAnswerBytes,
            TrustedCaFile = config.TrustedCaFile,
            InsecureSkipVerify = config.InsecureSkipVerify,
            ProxyUrl = config.ProxyUrl,
            // Compat: whoever says anything about the way says all of it.
            ProxyOfEnvironment = config.TrustedCaFile.Length == 0 && !config.InsecureSkipVerify && config.ProxyUrl.Length == 0,
        };
        try
        {
            return new TokenEndpoint(config, OutboundHttp.Create(options, new Uri(config.TokenEndpointUrl)), time);
        }
        catch (Exception e) when (e is TlsFileException or UriFormatException)
        {
            throw new ConfigException($"failed to create OIDC HTTP client: {e.Message}", e);
        }
    }

    /// <summary>Has a token issued.</summary>
    /// <exception cref="IOException">The endpoint was not reached in time, or did not issue one.</exception>
    internal async Task<IssuedToken> AskAsync(CancellationToken cancellationToken)
    {
        using var deadline = new Deadline(Limit, _time, cancellationToken);
        try
        {
            if (_byHeader is { } known) return await AskAsync(known, deadline.Token);
            try
            {
                return await AskAsync(byHeader: true, deadline.Token);
            }
            catch (RefusalException first)
            {
                try
                {
                    return await AskAsync(byHeader: false, deadline.Token);
                }
                catch (RefusalException second) when (second.Message != first.Message)
                {
                    throw new IOException($"{first.Message}; with the credentials in the form: {second.Message}", second);
                }
            }
        }
        catch (OperationCanceledException e) when (deadline.HasPassed)
        {
            throw new IOException(deadline.Passed("answer of the token endpoint").Message, e);
        }
        catch (HttpRequestException e)
        {
            throw new IOException(Plain(OutboundHttp.Reason(e)), e);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    private async Task<IssuedToken> AskAsync(bool byHeader, CancellationToken cancellationToken)
    {
        using var question = new HttpRequestMessage(HttpMethod.Post, _config.TokenEndpointUrl);
        question.Content = new FormUrlEncodedContent(Fields(byHeader));
        question.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
        if (byHeader)
        {
            // Source: RFC 6749 §2.3.1: encoded as in a form, each for itself, before they are put together.
            string credentials = $"{HttpUtility.UrlEncode(_config.ClientId)}:{HttpUtility.UrlEncode(_config.ClientSecret)}";
            question.Headers.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.ASCII.GetBytes(credentials)));
        }
        using var answer = await _http.SendAsync(question, cancellationToken);
        string body = Encoding.UTF8.GetString(await answer.Content.ReadAsByteArrayAsync(cancellationToken));
        var fields = Read(body);
        if (!answer.IsSuccessStatusCode) throw new RefusalException(Plain($"the token endpoint answered {(int)answer.StatusCode}{Told(fields)}"));
        // Some answer 200 and then say what is wrong.
        if (fields["access_token"] is not { Length: > 0 } token) throw new RefusalException(Plain($"the answer of the token endpoint holds no access_token{Told(fields)}"));
        _byHeader = byHeader;
        return new IssuedToken(token, LifetimeOf(fields["expires_in"]));
    }

    private Dictionary<string, string> Fields(bool byHeader)
    {
        var fields = new Dictionary<string, string> { ["grant_type"] = "client_credentials", ["scope"] = _config.Scope };
        if (!byHeader)
        {
            fields["client_id"] = _config.ClientId;
            if (_config.ClientSecret.Length > 0) fields["client_secret"] = _config.ClientSecret;
        }
        if (_config.Audience.Length > 0) fields["audience"] = _config.Audience;
        foreach (var (name, value) in _config.AdditionalEndpointParams) fields[name] = value; // validated: neither scope nor a second audience
        return fields;
    }

    /// <summary>An answer's fields, of which only texts and numbers matter. JSON by the standard; some endpoints send a form.</summary>
    private static NameValueCollection Read(string body)
    {
        if (!body.AsSpan().TrimStart().StartsWith("{")) return HttpUtility.ParseQueryString(body);
        var fields = new NameValueCollection();
        try
        {
            using var document = JsonDocument.Parse(body);
            foreach (var field in document.RootElement.EnumerateObject())
            {
                if (field.Value.ValueKind == JsonValueKind.String) fields[field.Name] = field.Value.GetString();
                else if (field.Value.ValueKind == JsonValueKind.Number) fields[field.Name] = field.Value.GetRawText();
            }
        }
        catch (JsonException)
        {
            // Nothing to be read in it, then: the caller misses what he needs.
        }
        return fields;
    }

    private static TimeSpan? LifetimeOf(string? seconds) =>
        double.TryParse(seconds, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && value > 0 ? TimeSpan.FromSeconds(Math.Min(value, int.MaxValue)) : null;

    private static string Told(NameValueCollection fields)
    {
        string[] told = [.. new[] { fields["error"], fields["error_description"] }.OfType<string>().Where(text => text.Length > 0)];
        return told.Length == 0 ? "" : $": {string.Join(", ", told)}";
    }

    // An endpoint may repeat what it was told.
    private string Plain(string text) =>
        PeerText.Escape(_config.ClientSecret.Length == 0 ? text : text.Replace(_config.ClientSecret, "***", StringComparison.Ordinal), MaxReasonLength);

    /// <summary>The endpoint answered, and not with a token.</summary>
    private sealed class RefusalException(string message) : IOException(message);
}
