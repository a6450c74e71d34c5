using System.Net;
using Frp.Config;
using Frp.Proxies;
using Frp.Transport;
using Frp.Wire;
using Microsoft.Extensions.Logging;

namespace Frp.Server;

/// <summary>A proxy of a session, from its registration to its end, and what its kind sees of the server.</summary>
internal sealed partial class ServedProxy : IServerProxyHost, IAsyncDisposable
{
    private readonly ServerContext _server;
    private readonly ControlSession _session;
    private readonly IDisposable _nameClaim;
    private IServerProxy? _proxy;

    internal ServedProxy(ServerContext server, ControlSession session, NewProxy registration, IDisposable nameClaim, bool takesRemotePort)
    {
        (_server, _session, Registration, _nameClaim, TakesRemotePort) = (server, session, registration, nameClaim, takesRemotePort);
        Logger = PrefixLogger.Append(PrefixLogger.Append(server.Loggers.CreateLogger("server/proxy"), PeerText.Escape(session.RunId, 64)), PeerText.Escape(registration.ProxyName, 256));
        Scope = new TaskScope($"proxy {registration.ProxyName}", (name, e) => Log.Fault(Logger, name, e));
    }

    /// <inheritdoc/>
    public NewProxy Registration { get; }

    /// <inheritdoc/>
    public ILogger Logger { get; }

    /// <inheritdoc/>
    public TaskScope Scope { get; }

    /// <inheritdoc/>
    public ServerConfig Config => _server.Config;

    /// <inheritdoc/>
    public TimeProvider Time => _server.Time;

    /// <inheritdoc/>
    public IMessageCodec Codec => _session.Codec;

    /// <summary>Whether the proxy counts towards the client's share of ports.</summary>
    internal bool TakesRemotePort { get; }

    /// <summary>Where users reach it.</summary>
    internal string RemoteAddress => _proxy?.RemoteAddress ?? "";

    internal async ValueTask StartAsync(ProxyKind kind) => _proxy = await kind.StartServerAsync(this, _session.Stopping);

    /// <inheritdoc/>
    public ValueTask<IUserListener> ListenTcpAsync(int port, CancellationToken cancellationToken) => _server.Ports.ListenTcpAsync(Registration.ProxyName, port, cancellationToken);

    /// <inheritdoc/>
    public ValueTask<IUdpPort> BindUdpAsync(int port, CancellationToken cancellationToken) => throw Unsupported();

    /// <inheritdoc/>
    public IUserListener ListenTls(string domain) => throw Unsupported();

    /// <inheritdoc/>
    public IUserListener ListenConnect(ConnectRoute route) => throw Unsupported();

    /// <inheritdoc/>
    public IDisposable ServeHttp(HttpRoute route) =>
        (_server.Vhosts.Http ?? throw new PeerRefusedException("type [http] not supported when vhost http port is not set")).Serve(route, this);

    /// <inheritdoc/>
    public IVisitorListener ListenSecret(string secretKey, IReadOnlyList<string> allowUsers) => throw Unsupported();

    private PeerRefusedException Unsupported() => new($"proxy type [{Registration.ProxyType}] is not supported by this release of the server yet");

    /// <inheritdoc/>
    public void Serve(Connection user) => _server.Users.RunChild("user connection", token => ServeAsync(user, token));

    /// <summary>Takes no more users, and gives the port back.</summary>
    internal async ValueTask CloseEntranceAsync()
    {
        Scope.Close(new CloseReason(CloseKind.LocalClose, "proxy closed"));
        if (_proxy is not null) await _proxy.DisposeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await CloseEntranceAsync();
        await Scope.DisposeAsync();
        _nameClaim.Dispose();
    }

    private async Task ServeAsync(Connection user, CancellationToken cancellationToken)
    {
        Log.UserConnection(Logger, user.Remote);
        try
        {
            if (await OpenWorkAsync(user.Remote, user.Local, cancellationToken) is not { } work) return;
            var reason = await Relay.RunAsync(user, work.Connection, work.End, cancellationToken);
            Log.UserDone(Logger, user.Remote, reason);
        }
        catch (Exception)
        {
            user.Abort();
            throw;
        }
        finally
        {
            await user.DisposeAsync();
        }
    }

    /// <inheritdoc/>
    public async ValueTask<ServedWork?> OpenWorkAsync(EndPoint? source, EndPoint? destination, CancellationToken cancellationToken)
    {
        if (await StartWorkAsync(source, destination, cancellationToken) is not { } work)
        {
            Log.NoWorkConnection(Logger);
            return null;
        }
        var surplus = work.Messages.TakeSurplus();
        var layered = PayloadLayers.Wrap(work.Connection, surplus, Registration.UseEncryption ? _server.StreamKey : null, Registration.UseCompression);
        return new ServedWork(layered, layered.CanHalfClose ? work.End : RelayEnd.CloseBoth);
    }

    /// <summary>Takes a work connection and tells the client whom it is for. A connection that turns out dead is replaced.</summary>
    private async ValueTask<WorkConnection?> StartWorkAsync(EndPoint? from, EndPoint? to, CancellationToken cancellationToken)
    {
        var start = new StartWorkConn { ProxyName = Registration.ProxyName };
        if (from is IPEndPoint source) (start.SourceAddress, start.SourcePort) = (source.Address.ToString(), (ushort)source.Port);
        if (to is IPEndPoint destination) (start.DestinationAddress, start.DestinationPort) = (destination.Address.ToString(), (ushort)destination.Port);
        for (int attempt = 0; attempt <= _session.Pool.Size; attempt++)
        {
            var work = await _session.Pool.TakeAsync(_server.Config.UserConnTimeout, cancellationToken);
            if (work is null)
            {
                if (!_session.IsClosing) Log.WorkConnectionTimeout(Logger);
                return null;
            }
            try
            {
                using var deadline = new Deadline(ControlChannel.WriteTimeout, _server.Time, cancellationToken);
                await work.Messages.WriteAsync(start, deadline.Token);
                return work;
            }
            catch (Exception e) when (e is IOException or OperationCanceledException && !cancellationToken.IsCancellationRequested)
            {
                Log.WorkConnectionFailed(Logger, e.Message);
                await work.DisposeAsync();
            }
        }
        return null;
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "get a user connection [{Remote}]")]
        internal static partial void UserConnection(ILogger logger, EndPoint? remote);

        [LoggerMessage(2, LogLevel.Warning, "failed to get work connection: {Cause}")]
        internal static partial void WorkConnectionFailed(ILogger logger, string cause);

        [LoggerMessage(3, LogLevel.Error, "try to get work connection failed in the end")]
        internal static partial void NoWorkConnection(ILogger logger);

        [LoggerMessage(4, LogLevel.Debug, "user connection [{Remote}] closed: {Reason}")]
        internal static partial void UserDone(ILogger logger, EndPoint? remote, CloseReason reason);

        [LoggerMessage(6, LogLevel.Warning, "timeout trying to get work connection")]
        internal static partial void WorkConnectionTimeout(ILogger logger);

        [LoggerMessage(5, LogLevel.Error, "fault in {Work}")]
        internal static partial void Fault(ILogger logger, string work, Exception exception);
    }
}
