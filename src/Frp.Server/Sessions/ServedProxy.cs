using System.Globalization;
using System.Net;
using Frp.Config;
using Frp.Proxies;
using Frp.Transport;
using Frp.Wire;
using Microsoft.Extensions.Logging;

namespace Frp.Server;

/// <summary>A proxy of a session, from its registration to its end, and what its kind sees of the server.</summary>
internal sealed partial class ServedProxy : IServerProxyHost, IGroupMember, IAsyncDisposable
{
    private readonly ServerContext _server;
    private readonly ControlSession _session;
    private readonly IDisposable _nameClaim;
    private readonly BandwidthLimiter? _limiter;
    private IServerProxy? _proxy;
    private GroupShare? _share; // set before the entrance yields its first user

    internal ServedProxy(ServerContext server, ControlSession session, NewProxy registration, IDisposable nameClaim, bool takesRemotePort)
    {
        (_server, _session, Registration, _nameClaim, TakesRemotePort) = (server, session, registration, nameClaim, takesRemotePort);
        Logger = PrefixLogger.Append(PrefixLogger.Append(server.Loggers.CreateLogger("server/proxy"), PeerText.Escape(session.RunId, 64)), PeerText.Escape(registration.ProxyName, 256));
        // Compat: a quantity that cannot be read sets no limit.
        if (registration.BandwidthLimitMode == "server" && BandwidthQuantity.TryParse(registration.BandwidthLimit, out var limit, out _)) _limiter = BandwidthLimiter.For(limit.BytesPerSecond, Time);
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
    public async ValueTask<IUserListener> ListenTcpAsync(int port, CancellationToken cancellationToken)
    {
        if (Registration.Group.Length == 0) return await OpenAsync();
        // The port as it was asked for: who asks for any port must not join those who ask for a certain one.
        return _share = await _server.Groups.JoinAsync(Registration.ProxyType, this, port.ToString(CultureInfo.InvariantCulture), OpenAsync, cancellationToken);

        ValueTask<IUserListener> OpenAsync() => _server.Ports.ListenTcpAsync(Registration.ProxyName, port, cancellationToken);
    }

    /// <inheritdoc/>
    public ValueTask<IUdpPort> BindUdpAsync(int port, CancellationToken cancellationToken) => _server.Ports.BindUdpAsync(Registration.ProxyName, port, cancellationToken);

    /// <inheritdoc/>
    public IUserListener ListenTls(string domain)
    {
        var front = _server.Vhosts.Tls ?? throw Unsupported();
        return Shared(Registration.ProxyType, domain, () => front.Listen(domain, Registration.ProxyName));
    }

    /// <inheritdoc/>
    public IUserListener ListenConnect(ConnectRoute route)
    {
        var front = _server.Vhosts.Connect ?? throw Unsupported();
        return Shared(Registration.ProxyType, string.Join('\0', route.Domain, route.RouteByUser, route.User, route.Password), () => front.Listen(route, Registration.ProxyName));
    }

    /// <inheritdoc/>
    public IDisposable ServeHttp(HttpRoute route) =>
        (_server.Vhosts.Http ?? throw new PeerRefusedException($"type [{Registration.ProxyType}] not supported when vhost http port is not set")).Serve(route, this);

    /// <inheritdoc/>
    public IVisitorListener ListenSecret(string secretKey, IReadOnlyList<string> allowUsers) =>
        _server.Secrets.Listen(EntranceOf(secretKey, allowUsers));

    /// <inheritdoc/>
    public ITraversalListener ListenTraversal(string secretKey, IReadOnlyList<string> allowUsers) => _server.Traversal.Listen(EntranceOf(secretKey, allowUsers), _session);

    private SecretEntrance EntranceOf(string secretKey, IReadOnlyList<string> allowUsers) =>
        new(new SecretOwner(Registration.ProxyName, _session.Login.User, _session.HalfClose), secretKey, allowUsers);

    /// <summary>An entrance by name: the proxy's own, or its group's.</summary>
    /// <param name="kind">The name space of groups.</param>
    /// <param name="parameters">What the members of a group must have in common, in any form.</param>
    /// <param name="open">Opens the entrance. Must not wait, and must not call back.</param>
    /// <exception cref="PeerRefusedException">The entrance cannot be had, or the group is another one than the proxy thinks.</exception>
    private IUserListener Shared(string kind, string parameters, Func<IUserListener> open) =>
        Registration.Group.Length == 0 ? open() : _share = _server.Groups.Join(kind, this, parameters, open);

    private PeerRefusedException Unsupported() => new($"proxy type [{Registration.ProxyType}] is not supported by this release of the server yet");

    /// <inheritdoc/>
    public void Serve(Connection user, RelayEnd end = RelayEnd.HalfClose) => _server.Users.RunChild("user connection", token => ServeAsync(user, end, token));

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

    private async Task ServeAsync(Connection user, RelayEnd end, CancellationToken cancellationToken)
    {
        Log.UserConnection(Logger, user.Remote);
        try
        {
            if (_server.Hooks.Want(ServerOperations.NewUserConn)) await _server.Hooks.AskAsync(new NewUserConnEvent(_session.Login, Registration, user.Remote), cancellationToken);
            var found = _share is null ? await OpenWorkAsync(user.Remote, user.Local, cancellationToken) : await OpenWorkInGroupAsync(_share, user, cancellationToken);
            if (found is not { } work) return;
            var reason = await Relay.RunAsync(user, work.Connection, end == RelayEnd.HalfClose ? work.End : end, Time, cancellationToken);
            Log.UserDone(Logger, user.Remote, reason);
        }
        catch (PeerRefusedException e)
        {
            Log.UserRefused(Logger, user.Remote, PeerText.Escape(e.Message, 1024));
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
        if (await StartWorkAsync(source, destination, cancellationToken) is { } work) return Layered(work);
        Log.NoWorkConnection(Logger);
        return null;
    }

    /// <inheritdoc/>
    public async ValueTask<bool> TellClientAsync(Message message, CancellationToken cancellationToken)
    {
        if (await StartWorkAsync(null, null, cancellationToken) is not { } work)
        {
            Log.NoWorkConnection(Logger);
            return false;
        }
        await using (work)
        {
            using var deadline = new Deadline(ControlChannel.WriteTimeout, Time, cancellationToken);
            try
            {
                await work.Messages.WriteAsync(message, deadline.Token);
            }
            catch (OperationCanceledException) when (deadline.HasPassed)
            {
                throw deadline.Passed("room on a work connection");
            }
        }
        return true;
    }

    /// <summary>
    /// Finds a member of the group that has a live work connection for a user, beginning with this one. A work connection that ends
    /// before it has brought a byte, while the user has not said anything either, has done nothing that another could not do.
    /// </summary>
    /// <returns>The last member's connection as it is when no other is left; null when none had one.</returns>
    private async ValueTask<ServedWork?> OpenWorkInGroupAsync(GroupShare share, Connection user, CancellationToken cancellationToken)
    {
        List<IGroupMember>? tried = null;
        for (var member = this; ;)
        {
            var work = await member.StartWorkAsync(user.Remote, user.Local, cancellationToken);
            if (work is not null)
            {
                bool isAlive;
                try
                {
                    (var connection, isAlive) = await FirstBytes.WaitAsync(user, work.Connection, cancellationToken);
                    work = work with { Connection = connection };
                }
                catch (Exception)
                {
                    await work.DisposeAsync();
                    throw;
                }
                if (isAlive) return member.Layered(work);
            }
            (tried ??= []).Add(member);
            if (share.Group.Another(tried) is not ServedProxy next)
            {
                if (work is not null) return member.Layered(work);
                Log.NoWorkConnection(member.Logger);
                return null;
            }
            if (work is not null) await work.DisposeAsync();
            Log.HandedOver(member.Logger, user.Remote, PeerText.Escape(next.Registration.ProxyName, 256));
            member = next;
        }
    }

    /// <summary>Puts the proxy's layers on a work connection, which it owns from here on.</summary>
    private ServedWork Layered(WorkConnection work)
    {
        var surplus = work.Messages.TakeSurplus();
        var layered = PayloadLayers.Wrap(work.Connection, surplus, Registration.UseEncryption ? _session.Token.StreamKey : null, Registration.UseCompression, payloadLimit: _limiter);
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

        [LoggerMessage(7, LogLevel.Information, "user connection [{Remote}] handed over to [{Next}] of the same group")]
        internal static partial void HandedOver(ILogger logger, EndPoint? remote, string next);

        [LoggerMessage(8, LogLevel.Warning, "user connection [{Remote}] was rejected: {Cause}")]
        internal static partial void UserRefused(ILogger logger, EndPoint? remote, string cause);

        [LoggerMessage(5, LogLevel.Error, "fault in {Work}")]
        internal static partial void Fault(ILogger logger, string work, Exception exception);
    }
}
