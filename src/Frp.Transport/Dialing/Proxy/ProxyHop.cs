namespace Frp.Transport;

/// <summary>A proxy between client and server, as <c>transport.proxyURL</c> names it.</summary>
internal sealed class ProxyHop
{
    private readonly string _scheme;
    private readonly string? _user;
    private readonly string _password;
    private readonly TimeProvider _timeProvider;

    private ProxyHop(Uri url, int port, TimeProvider timeProvider)
    {
        _scheme = url.Scheme;
        Host = url.IdnHost;
        Port = port;
        _timeProvider = timeProvider;
        var info = url.UserInfo;
        var colon = info.IndexOf(':');
        _user = info.Length == 0 ? null : Uri.UnescapeDataString(colon < 0 ? info : info[..colon]);
        _password = colon < 0 ? "" : Uri.UnescapeDataString(info[(colon + 1)..]);
    }

    /// <summary>The proxy's address; IPv6 without brackets.</summary>
    internal string Host { get; }

    internal int Port { get; }

    /// <summary>Reads <c>scheme://user:password@host:port</c>.</summary>
    /// <exception cref="ProxyRefusedException">It is no such thing.</exception>
    internal static ProxyHop Parse(string text, TimeProvider timeProvider)
    {
        if (!Uri.TryCreate(text, UriKind.Absolute, out var url)) throw new ProxyRefusedException("transport.proxyURL is not a URL");
        var defaultPort = url.Scheme switch
        {
            "http" or "ntlm" => 80,
            "https" => 443,
            "socks5" => 1080,
            _ => throw new ProxyRefusedException($"ProxyType must be http, https, socks5 or ntlm, not [{url.Scheme}]"),
        };
        if (url.Host.Length == 0) throw new ProxyRefusedException("transport.proxyURL names no host");
        return new ProxyHop(url, url.Port > 0 ? url.Port : defaultPort, timeProvider);
    }

    /// <summary>Asks the proxy for a way to the server.</summary>
    /// <param name="connection">To the proxy. Owned from here on: closed when the proxy refuses.</param>
    /// <param name="host">The server; the proxy looks names up. IPv6 without brackets.</param>
    /// <param name="port">The server's port.</param>
    /// <param name="cancellationToken">Carries the deadline.</param>
    /// <exception cref="ProxyRefusedException">The proxy said no.</exception>
    internal async ValueTask<Connection> ConnectAsync(Connection connection, string host, int port, CancellationToken cancellationToken)
    {
        if (_scheme == "https") connection = await TlsClient.AuthenticatePublicAsync(connection, Host, _timeProvider, cancellationToken);
        try
        {
            return _scheme switch
            {
                "socks5" => await Socks5.ConnectAsync(connection, host, port, _user, _password, cancellationToken),
                "ntlm" => await HttpConnect.ConnectNtlmAsync(connection, EndPoints.Join(host, port), _user ?? "", _password, _timeProvider, cancellationToken),
                _ => await HttpConnect.ConnectAsync(connection, EndPoints.Join(host, port), _user, _password, cancellationToken),
            };
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }
}

/// <summary>A proxy that would not let us through, or that we cannot use.</summary>
public sealed class ProxyRefusedException : IOException
{
    /// <summary>Creates the exception.</summary>
    public ProxyRefusedException(string message) : base(message) { }
}
