using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace Frp.Transport;

/// <summary>How a web service of somebody else is reached.</summary>
public sealed record OutboundHttpOptions
{
    /// <summary>The longest answer that is read, in bytes; a longer one is an <see cref="HttpRequestException"/>.</summary>
    public required int MaxAnswerBytes { get; init; }

    /// <summary>PEM bundle that alone verifies the service; empty for the system's authorities.</summary>
    public string TrustedCaFile { get; init; } = "";

    /// <summary>The service's certificate is not verified.</summary>
    public bool InsecureSkipVerify { get; init; }

    /// <summary>Proxy on the way: an http, https, socks5 or socks5h URL, with a user if need be; empty for none.</summary>
    public string ProxyUrl { get; init; } = "";

    /// <summary>Whether the proxies that the environment names apply, except for targets on this machine.</summary>
    public bool ProxyOfEnvironment { get; init; }
}

/// <summary>Makes clients for questions to web services: few, small, and never with a cookie.</summary>
public static class OutboundHttp
{
    private const int MaxRedirections = 5;
    private const int MaxHeadKilobytes = 32;

    // Questions are rare, and a service that is asked for every work connection keeps its connection.
    private static readonly TimeSpan IdleTime = TimeSpan.FromSeconds(30);

    /// <summary>Makes a client, now the caller's. It sets no deadline: every question brings its own.</summary>
    /// <param name="options">How the service is reached.</param>
    /// <param name="target">The service; decides whether the environment's proxies apply.</param>
    /// <exception cref="TlsFileException">The bundle of authorities cannot be used.</exception>
    /// <exception cref="UriFormatException">The proxy's URL cannot be used.</exception>
    public static HttpClient Create(OutboundHttpOptions options, Uri target)
    {
        var handler = new SocketsHttpHandler
        {
            UseCookies = false,
            MaxAutomaticRedirections = MaxRedirections,
            MaxResponseHeadersLength = MaxHeadKilobytes,
            PooledConnectionIdleTimeout = IdleTime,
            Proxy = options.ProxyUrl.Length > 0 ? ProxyOf(options.ProxyUrl) : null,
        };
        handler.UseProxy = handler.Proxy is not null || (options.ProxyOfEnvironment && !target.IsLoopback);
        try
        {
            if (Verification(options) is { } verify)
            {
                handler.SslOptions.RemoteCertificateValidationCallback = verify;
                handler.SslOptions.CertificateChainPolicy = TrustAnchors.None.CreatePolicy(); // the platform's opinion is not asked for
            }
            return new HttpClient(handler) { MaxResponseContentBufferSize = options.MaxAnswerBytes, Timeout = Timeout.InfiniteTimeSpan };
        }
        catch (Exception)
        {
            handler.Dispose();
            throw;
        }
    }

    /// <summary>What has gone wrong, without words for programmers.</summary>
    public static string Reason(HttpRequestException failure) => failure.InnerException is AuthenticationException or IOException ? failure.InnerException.Message : failure.Message;

    // Null leaves it to the platform.
    private static RemoteCertificateValidationCallback? Verification(OutboundHttpOptions options)
    {
        if (!options.InsecureSkipVerify && options.TrustedCaFile.Length == 0) return null;
        var authorities = options.InsecureSkipVerify ? null : TrustAnchors.ForServers(options.TrustedCaFile);
        return (sender, certificate, chain, errors) => authorities is null || IsGood(authorities, (SslStream)sender, certificate, chain, errors);
    }

    private static bool IsGood(TrustAnchors authorities, SslStream stream, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        if (certificate is not X509Certificate2 leaf) throw new AuthenticationException("no certificate was presented");
        // A chain of its own: the handler has one policy for all handshakes, and each adds to it.
        using var judged = new X509Chain { ChainPolicy = authorities.CreatePolicy() };
        if (chain is not null) judged.ChainPolicy.ExtraStore.AddRange(chain.ChainPolicy.ExtraStore);
        judged.Build(leaf);
        // An exception, since the platform has no words of its own for a no.
        return authorities.Judge(leaf, judged, errors, stream.TargetHostName) is { } refusal ? throw new AuthenticationException(refusal) : true;
    }

    private static WebProxy ProxyOf(string url)
    {
        var proxy = new UriBuilder(url);
        // The platform leaves names to a socks5 proxy, which is what socks5h asks for.
        if (proxy.Scheme == "socks5h") proxy.Scheme = "socks5";
        if (proxy.Scheme is not ("http" or "https" or "socks5")) throw new UriFormatException($"proxy URL scheme {proxy.Scheme} is not one of http, https, socks5, socks5h");
        var credentials = proxy.UserName.Length == 0 ? null : new NetworkCredential(Uri.UnescapeDataString(proxy.UserName), Uri.UnescapeDataString(proxy.Password));
        (proxy.UserName, proxy.Password) = ("", "");
        return new WebProxy(proxy.Uri) { Credentials = credentials };
    }
}
