using System.Net;
using System.Net.Sockets;
using Frp.Config;
using Frp.Proxies;
using Frp.Transport;
using Frp.Web;
using Frp.Wire;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Frp.Server.Tests;

/// <summary>The HTTP front with local services that are one connection away, and a clock that stands still.</summary>
public abstract class HttpFrontTest : FrontTest
{
    private readonly TaskScope _users = new("users", (name, e) => Assert.Fail($"{name}: {e}"));
    private readonly List<IDisposable> _routes = [];
    private HttpFront? _front;

    public override async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        foreach (var route in _routes) route.Dispose();
        await base.DisposeAsync();
        if (_front is not null) await _front.DisposeAsync();
        _users.Close(new CloseReason(CloseKind.LocalClose, "test over"));
        await _users.DisposeAsync();
    }

    /// <summary>Opens the front, with a proxy for a host.</summary>
    private protected async Task StartAsync(string domain, int localPort, HttpLimits? times = null)
    {
        Config.Complete();
        _front = new HttpFront(() => Config, Ingress, _users, Time, NullLogger.Instance, times);
        await _front.StartAsync(CancellationToken.None);
        await OpenAsync(_front);
        _routes.Add(_front.Serve(new HttpRoute(domain, "", ""), new DirectProxy(localPort, Config, Time)));
    }

    /// <summary>A proxy whose work connections are connections to its local service.</summary>
    private sealed class DirectProxy(int localPort, ServerConfig config, TimeProvider time) : IServerProxyHost
    {
        public NewProxy Registration { get; } = new() { ProxyName = "web", ProxyType = "http" };

        public ServerConfig Config => config;

        public TimeProvider Time => time;

        public IMessageCodec Codec => throw new NotSupportedException();

        public ILogger Logger => NullLogger.Instance;

        public TaskScope Scope => throw new NotSupportedException();

        public async ValueTask<ServedWork?> OpenWorkAsync(EndPoint? source, EndPoint? destination, CancellationToken cancellationToken)
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            await socket.ConnectAsync(IPAddress.Loopback, localPort, cancellationToken);
            return new ServedWork(new SocketConnection(socket), RelayEnd.CloseBoth);
        }

        public ValueTask<IUserListener> ListenTcpAsync(int port, CancellationToken cancellationToken) => throw new NotSupportedException();

        public ValueTask<IUdpPort> BindUdpAsync(int port, CancellationToken cancellationToken) => throw new NotSupportedException();

        public IUserListener ListenTls(string domain) => throw new NotSupportedException();

        public IUserListener ListenConnect(ConnectRoute route) => throw new NotSupportedException();

        public IDisposable ServeHttp(HttpRoute route) => throw new NotSupportedException();

        public IVisitorListener ListenSecret(string secretKey, IReadOnlyList<string> allowUsers) => throw new NotSupportedException();

        public ITraversalListener ListenTraversal(string secretKey, IReadOnlyList<string> allowUsers) => throw new NotSupportedException();

        public ValueTask<bool> TellClientAsync(Message message, CancellationToken cancellationToken) => throw new NotSupportedException();

        public void Serve(Connection user, RelayEnd end = RelayEnd.HalfClose) => throw new NotSupportedException();
    }
}
