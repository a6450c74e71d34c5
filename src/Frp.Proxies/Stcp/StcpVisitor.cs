using Frp.Transport;
using Microsoft.Extensions.Logging;

namespace Frp.Proxies;

/// <summary>The visitor of an stcp proxy: a TCP port whose users get a connection to the proxy each.</summary>
internal sealed partial class StcpVisitor(StcpVisitorConfig config, IVisitorHost host) : IStreamVisitor
{
    public Task RunAsync(CancellationToken cancellationToken) => StreamDoor.RunAsync(config, host, Serve, cancellationToken);

    public void Serve(Connection user) => host.Users.RunChild("visitor's user", token => ServeAsync(user, token));

    private async Task ServeAsync(Connection user, CancellationToken cancellationToken)
    {
        Log.UserConnection(host.Logger, user.Remote);
        try
        {
            var work = await host.ConnectAsync(cancellationToken);
            var reason = await Relay.RunAsync(user, work.Connection, work.End, host.Time, cancellationToken);
            Log.UserDone(host.Logger, user.Remote, reason);
        }
        catch (Exception e) when (e is PeerRefusedException or IOException or TimeoutException)
        {
            Log.NotConnected(host.Logger, e.Message);
        }
        finally
        {
            await user.DisposeAsync();
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Debug, "get a new stcp user connection [{Remote}]")]
        internal static partial void UserConnection(ILogger logger, System.Net.EndPoint? remote);

        [LoggerMessage(2, LogLevel.Warning, "start new visitor connection error: {Cause}")]
        internal static partial void NotConnected(ILogger logger, string cause);

        [LoggerMessage(3, LogLevel.Debug, "user connection [{Remote}] closed: {Reason}")]
        internal static partial void UserDone(ILogger logger, System.Net.EndPoint? remote, CloseReason reason);
    }
}
