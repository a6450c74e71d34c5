using System.Runtime.CompilerServices;
using Frp.Transport;
using Microsoft.Extensions.Logging;

namespace Frp.Proxies;

/// <summary>The visitor of an xtcp proxy: a TCP port whose users share a tunnel to the proxy's client, and go elsewhere where there is none.</summary>
/// <param name="config">The visitor.</param>
/// <param name="host">The client.</param>
/// <param name="tunnel">Its tunnel.</param>
internal sealed partial class XtcpVisitor(XtcpVisitorConfig config, IVisitorHost host, VisitorTunnel tunnel) : IStreamVisitor
{
    // Source: wire specification §22.
    private static readonly TimeSpan OpenTimeout = TimeSpan.FromSeconds(20);

    private readonly ConditionalWeakTable<Connection, object> _handedOver = [];

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        await using var work = new TaskScope("xtcp visitor", (name, e) => Log.Fault(host.Logger, name, e), cancellationToken);
        tunnel.Closing = work.Stopping;
        if (config.KeepTunnelOpen) work.RunChild("keeping the tunnel open", tunnel.KeepOpenAsync);
        try
        {
            await StreamDoor.RunAsync(config, host, Serve, cancellationToken);
        }
        finally
        {
            tunnel.Retire();
        }
    }

    public void Serve(Connection user) => host.Users.RunChild("visitor's user", token => ServeAsync(user, token));

    private async Task ServeAsync(Connection user, CancellationToken cancellationToken)
    {
        Log.UserConnection(host.Logger, user.Remote);
        bool isOurs = true;
        try
        {
            if (await OpenAsync(cancellationToken) is { } stream)
            {
                await RelayAsync(user, stream, cancellationToken);
            }
            else if (config.FallbackTo.Length > 0)
            {
                isOurs = !FallBack(user);
            }
        }
        finally
        {
            if (isOurs) await user.DisposeAsync();
        }
    }

    private async ValueTask<TunnelStream?> OpenAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await tunnel.OpenAsync(config.FallbackTo.Length > 0 ? config.FallbackTimeout : OpenTimeout, cancellationToken);
        }
        catch (IOException e)
        {
            Log.NotOpened(host.Logger, e.Message);
            return null;
        }
    }

    private async Task RelayAsync(Connection user, TunnelStream stream, CancellationToken cancellationToken)
    {
        try
        {
            var peer = PayloadLayers.Wrap(stream.Connection, default, config.Transport.UseEncryption ? tunnel.Key : null, config.Transport.UseCompression);
            var reason = await Relay.RunAsync(user, peer, RelayEnd.CloseBoth, host.Time, cancellationToken);
            Log.UserDone(host.Logger, user.Remote, reason);
        }
        finally
        {
            stream.Tunnel.Leave();
        }
    }

    /// <summary>Gives a user to the other visitor.</summary>
    /// <returns>Whether the other one has taken it.</returns>
    private bool FallBack(Connection user)
    {
        // Visitors that fall back to each other would pass him around for ever.
        if (!_handedOver.TryAdd(user, user))
        {
            Log.Circle(host.Logger, config.FallbackTo);
            return false;
        }
        if (host.TryHandOver(config.FallbackTo, user))
        {
            Log.HandedOver(host.Logger, user.Remote, config.FallbackTo);
            return true;
        }
        Log.NobodyThere(host.Logger, config.FallbackTo);
        return false;
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Debug, "get a new xtcp user connection [{Remote}]")]
        internal static partial void UserConnection(ILogger logger, System.Net.EndPoint? remote);

        [LoggerMessage(2, LogLevel.Error, "open tunnel error: {Cause}")]
        internal static partial void NotOpened(ILogger logger, string cause);

        [LoggerMessage(3, LogLevel.Debug, "user connection [{Remote}] closed: {Reason}")]
        internal static partial void UserDone(ILogger logger, System.Net.EndPoint? remote, CloseReason reason);

        [LoggerMessage(4, LogLevel.Debug, "user connection [{Remote}] goes to visitor [{Visitor}]")]
        internal static partial void HandedOver(ILogger logger, System.Net.EndPoint? remote, string visitor);

        [LoggerMessage(5, LogLevel.Error, "fallbackTo: there is no visitor [{Visitor}] that takes streams")]
        internal static partial void NobodyThere(ILogger logger, string visitor);

        [LoggerMessage(6, LogLevel.Error, "fallbackTo: a user came back by visitor [{Visitor}]")]
        internal static partial void Circle(ILogger logger, string visitor);

        [LoggerMessage(7, LogLevel.Error, "fault in {Work}")]
        internal static partial void Fault(ILogger logger, string work, Exception exception);
    }
}
