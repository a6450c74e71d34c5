using System.Net.Security;

namespace Frp.Server;

/// <summary>The HTTP clients of a server's plug-ins, over all reloads: a connection to a plug-in outlives the configuration that named it.</summary>
/// <remarks>Made when they are first needed. Answers are bounded; time is the caller's. <b>Concurrency.</b> Any.</remarks>
internal sealed class PluginClients : IDisposable
{
    private const int MaxAnswerLength = 1 << 20;
    private const int MaxConnectionsPerPlugin = 256;

    private readonly Lazy<HttpClient> _plain = new(() => Create(useProxy: true, verify: true));
    private readonly Lazy<HttpClient> _verifying = new(() => Create(useProxy: false, verify: true));
    private readonly Lazy<HttpClient> _trusting = new(() => Create(useProxy: false, verify: false));

    /// <summary>For <c>http</c>. It alone goes by the environment's proxy.</summary>
    // Compat: as the reference does.
    internal HttpClient Plain => _plain.Value;

    /// <summary>For <c>https</c>, with <c>tlsVerify</c>.</summary>
    internal HttpClient Verifying => _verifying.Value;

    /// <summary>For <c>https</c>, without.</summary>
    internal HttpClient Trusting => _trusting.Value;

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var client in (Lazy<HttpClient>[])[_plain, _verifying, _trusting])
            if (client.IsValueCreated) client.Value.Dispose();
    }

    private static HttpClient Create(bool useProxy, bool verify)
    {
        var handler = new SocketsHttpHandler
        {
            UseProxy = useProxy,
            UseCookies = false,
            ActivityHeadersPropagator = null,
            ConnectTimeout = ServerHooks.AnswerTimeout,
            MaxConnectionsPerServer = MaxConnectionsPerPlugin,
            PooledConnectionLifetime = TimeSpan.FromMinutes(10), // its name may come to mean another machine
        };
        // Compat: not verified by default, since the plug-ins of the reference's users have certificates of their own making.
        handler.SslOptions.RemoteCertificateValidationCallback = (_, _, _, errors) => !verify || errors == SslPolicyErrors.None;
        return new HttpClient(handler) { MaxResponseContentBufferSize = MaxAnswerLength, Timeout = Timeout.InfiniteTimeSpan };
    }
}
