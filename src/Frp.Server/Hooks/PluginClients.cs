using System.Net.Security;

namespace Frp.Server;

/// <summary>The HTTP clients of a server's plug-ins, over all reloads: a connection to a plug-in outlives the configuration that named it.</summary>
/// <remarks>Made when they are first needed. Answers are bounded; time is the caller's. <b>Concurrency.</b> Any.</remarks>
internal sealed class PluginClients : IDisposable
{
    private const int MaxAnswerLength = 1 << 20;
    private const int MaxConnectionsPerPlugin = 256;

    /// <summary>For <c>http</c>. It alone goes by the environment's proxy.</summary>
    // Compat: as the reference does.
    internal PluginClient Plain { get; } = new(fresh => Create(useProxy: true, verify: true, fresh));

    /// <summary>For <c>https</c>, with <c>tlsVerify</c>.</summary>
    internal PluginClient Verifying { get; } = new(fresh => Create(useProxy: false, verify: true, fresh));

    /// <summary>For <c>https</c>, without.</summary>
    internal PluginClient Trusting { get; } = new(fresh => Create(useProxy: false, verify: false, fresh));

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var client in (PluginClient[])[Plain, Verifying, Trusting]) client.Dispose();
    }

    private static HttpClient Create(bool useProxy, bool verify, bool fresh)
    {
        var handler = new SocketsHttpHandler
        {
            UseProxy = useProxy,
            UseCookies = false,
            ActivityHeadersPropagator = null,
            ConnectTimeout = ServerHooks.AnswerTimeout,
            MaxConnectionsPerServer = MaxConnectionsPerPlugin,
            PooledConnectionLifetime = fresh ? TimeSpan.Zero : TimeSpan.FromMinutes(10), // its name may come to mean another machine
        };
        // Compat: not verified by default, since the plug-ins of the reference's users have certificates of their own making.
        handler.SslOptions.RemoteCertificateValidationCallback = (_, _, _, errors) => !verify || errors == SslPolicyErrors.None;
        return new HttpClient(handler) { MaxResponseContentBufferSize = MaxAnswerLength, Timeout = Timeout.InfiniteTimeSpan };
    }
}

/// <summary>Asks plug-ins of one kind.</summary>
/// <remarks>Made when first needed. <b>Concurrency.</b> Any.</remarks>
/// <param name="create">Makes a client; told whether each of its requests has a connection of its own.</param>
internal sealed class PluginClient(Func<bool, HttpClient> create) : IDisposable
{
    private readonly Lazy<HttpClient> _keeping = new(() => create(false));
    private readonly Lazy<HttpClient> _fresh = new(() => create(true));

    /// <summary>Sends a request and returns its whole answer.</summary>
    /// <param name="newRequest">Makes the request, a second time when the plug-in closed the kept connection that the first one went by: one that answers in
    /// HTTP/1.0 closes behind each answer, and others when nothing was asked for a while.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="HttpRequestException">The plug-in cannot be reached, or breaks off.</exception>
    internal async Task<HttpResponseMessage> SendAsync(Func<HttpRequestMessage> newRequest, CancellationToken cancellationToken)
    {
        try
        {
            using var request = newRequest();
            return await _keeping.Value.SendAsync(request, cancellationToken);
        }
        catch (HttpRequestException e) when (e.HttpRequestError == HttpRequestError.ResponseEnded)
        {
            using var request = newRequest();
            return await _fresh.Value.SendAsync(request, cancellationToken);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var client in (Lazy<HttpClient>[])[_keeping, _fresh])
            if (client.IsValueCreated) client.Value.Dispose();
    }
}
