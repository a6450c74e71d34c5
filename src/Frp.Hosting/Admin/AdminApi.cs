using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Frp.Config;

namespace Frp.Hosting;

/// <summary>Asks a running program over its own web server, which a configuration file tells how to reach.</summary>
/// <remarks>Source: cli specification §4, http-api specification §1, §6.</remarks>
public sealed class AdminApi : IDisposable
{
    private const int MaxAnswerBytes = 16 * 1024 * 1024;
    private const int MaxReasonLength = 8192;

    private readonly HttpClient _http;
    private readonly Uri _address;
    private readonly TimeSpan _timeout;
    private readonly OwnCertificate? _own; // null without TLS

    /// <summary>Prepares; asks nothing yet.</summary>
    /// <param name="server">The web server, from the running program's configuration file.</param>
    /// <param name="timeout">For each question with its answer.</param>
    /// <exception cref="ConfigException">There is no web server, or its certificate cannot be read.</exception>
    /// <remarks>With TLS the program is known by its certificate: see <see cref="OwnCertificate"/>.</remarks>
    public AdminApi(WebServerConfig server, TimeSpan timeout)
    {
        ArgumentNullException.ThrowIfNull(server);
        if (server.Port <= 0) throw new ConfigException("web server port should be set if you want to use this feature");
        _address = AddressOf(server);
        _timeout = timeout;
        var handler = new SocketsHttpHandler { UseProxy = false, UseCookies = false, AllowAutoRedirect = false };
        if (server.Tls is { } tls)
        {
            SystemTrust.Load();
            _own = new OwnCertificate(tls.CertFile);
            handler.SslOptions.RemoteCertificateValidationCallback = (_, certificate, _, errors) => _own.IsShownBy(certificate, errors);
        }
        _http = new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan, MaxResponseContentBufferSize = MaxAnswerBytes };
        if (server.User.Length + server.Password.Length > 0)
        {
            string credentials = Convert.ToBase64String(Encoding.UTF8.GetBytes($"{server.User}:{server.Password}"));
            _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Basic", credentials);
        }
    }

    /// <summary>Asks and waits for the answer.</summary>
    /// <param name="method">GET or POST.</param>
    /// <param name="path">From the root, with the query.</param>
    /// <returns>The answer's body.</returns>
    /// <exception cref="IOException">There was no answer, or another one than success; the message tells which.</exception>
    public async Task<byte[]> AskAsync(HttpMethod method, string path)
    {
        var target = new Uri(_address, path);
        using var deadline = new CancellationTokenSource();
        if (_timeout > TimeSpan.Zero) deadline.CancelAfter(_timeout);
        else await deadline.CancelAsync();
        try
        {
            using var request = new HttpRequestMessage(method, target);
            using var answer = await _http.SendAsync(request, deadline.Token);
            byte[] body = await answer.Content.ReadAsByteArrayAsync(deadline.Token);
            return answer.StatusCode == HttpStatusCode.OK ? body : throw new IOException(Refusal((int)answer.StatusCode, body));
        }
        catch (OperationCanceledException e) when (deadline.IsCancellationRequested)
        {
            throw new IOException(string.Create(CultureInfo.InvariantCulture, $"{method} {target}: no answer within {_timeout.TotalSeconds} s"), e);
        }
        catch (HttpRequestException e)
        {
            throw new IOException($"{method} {target}: {_own?.Refusal ?? e.Message}", e);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _http.Dispose();
        _own?.Dispose();
    }

    // A server that listens everywhere is asked here.
    private static Uri AddressOf(WebServerConfig server)
    {
        string host = server.Addr;
        if (IPAddress.TryParse(host, out var address))
        {
            if (address.Equals(IPAddress.Any)) host = IPAddress.Loopback.ToString();
            else if (address.Equals(IPAddress.IPv6Any)) host = IPAddress.IPv6Loopback.ToString();
        }
        string text = $"{(server.Tls is null ? "http" : "https")}://{AddressText.Join(host, server.Port)}";
        return Uri.TryCreate(text, UriKind.Absolute, out var uri) ? uri : throw new ConfigException($"webServer.addr: {server.Addr} is not an address");
    }

    private static string Refusal(int status, byte[] body)
    {
        string text = string.Create(CultureInfo.InvariantCulture, $"api status code [{status}]");
        string reason = Reason(body);
        return reason.Length == 0 ? text : $"{text}: {reason}";
    }

    // Errors of the API are objects with capitalised keys, and may be of several lines.
    private static string Reason(byte[] body)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            if (document.RootElement.ValueKind != JsonValueKind.Object || !document.RootElement.TryGetProperty("Msg", out var message)) return "";
            return message.ValueKind == JsonValueKind.String ? ConsoleText.Plain(message.GetString()!, MaxReasonLength) : "";
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException) // the latter where a text holds half a character
        {
            return ""; // something else answers there; the status says enough
        }
    }
}
