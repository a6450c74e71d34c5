using System.Net;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Yarp.ReverseProxy.Forwarder;

namespace Frp.Web;

/// <summary>What sends requests to local services: pools of connections, and the forwarder in front of them.</summary>
internal static class ServicePool
{
    // As much as clients commonly take; local services are not trusted with more memory than that per request.
    private const int MaxResponseHeadersKilobytes = 10 * 1024;

    /// <summary>The host in the address of a request in origin form: it chooses connections, which are all alike, and is seen by nobody.</summary>
    internal const string Host = "local-service";

    /// <summary>Makes a pool. It holds connections of its own making only, and changes nothing about requests and answers.</summary>
    /// <param name="connect">Opens a connection, within a deadline of its own; a <see cref="PooledStream"/>.</param>
    /// <param name="limits">How long connections wait.</param>
    /// <param name="absolute">Whether requests keep the host in their target.</param>
    internal static HttpMessageInvoker Create(Func<SocketsHttpConnectionContext, CancellationToken, ValueTask<Stream>> connect, HttpLimits limits, bool absolute = false)
    {
        var handler = new SocketsHttpHandler
        {
            ConnectCallback = connect,
            ConnectTimeout = Timeout.InfiniteTimeSpan, // whoever connects has his own
            PooledConnectionIdleTimeout = limits.IdleWork,
#pragma warning disable CA2262 // Ten megabytes are meant.
            MaxResponseHeadersLength = MaxResponseHeadersKilobytes,
#pragma warning restore CA2262
            EnableMultipleHttp2Connections = true,
            RequestHeaderEncodingSelector = static (_, _) => Encoding.Latin1,
            ResponseHeaderEncodingSelector = static (_, _) => Encoding.Latin1,
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None,
            UseCookies = false,
            ActivityHeadersPropagator = null,
            // Towards a proxy a request's target is absolute. Where that proxy is, the connection callback knows.
            UseProxy = absolute,
            Proxy = absolute ? AbsoluteForm.Instance : null,
        };
        return new HttpMessageInvoker(handler, disposeHandler: true);
    }

    /// <summary>Makes a forwarder: YARP's alone, without the configuration and the routing that come with it. It is made by its own services only.</summary>
    internal static IHttpForwarder CreateForwarder()
    {
        var services = new ServiceCollection();
        services.AddSingleton<ILogger<IHttpForwarder>>(NullLogger<IHttpForwarder>.Instance);
        services.AddSingleton<ILoggerFactory>(NullLoggerFactory.Instance);
        services.AddSingleton(typeof(ILogger<>), typeof(NullLogger<>));
        services.AddHttpForwarder();
        return services.BuildServiceProvider().GetRequiredService<IHttpForwarder>();
    }

    private sealed class AbsoluteForm : IWebProxy
    {
        internal static readonly AbsoluteForm Instance = new();

        private readonly Uri _address = new($"http://{Host}");

        public ICredentials? Credentials { get; set; }

        public Uri GetProxy(Uri destination) => _address;

        public bool IsBypassed(Uri host) => false;
    }
}
