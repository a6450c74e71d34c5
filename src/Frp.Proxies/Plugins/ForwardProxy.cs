using Frp.Transport;
using Frp.Wire;
using Microsoft.Extensions.Logging;

namespace Frp.Proxies.Plugins;

/// <summary>What the plug-ins have in common that connect users to whom they ask for.</summary>
/// <param name="name">Of the plug-in, for the log.</param>
/// <param name="host">The client.</param>
internal abstract partial class ForwardProxy(string name, IClientProxyHost host) : IClientProxy
{
    // For a user's whole request, and for reaching whom he asks for. Source: wire specification §20, for the first bytes.
    private static readonly TimeSpan RequestTimeout = TimeSpan.FromSeconds(60);

    /// <summary>The client.</summary>
    protected IClientProxyHost Host => host;

    public async Task ServeAsync(Connection work, StartWorkConn start, RelayEnd end, CancellationToken cancellationToken)
    {
        Connection target;
        using (var deadline = new Deadline(RequestTimeout, host.Time, cancellationToken))
        {
            try
            {
                (work, target) = await ConnectAsync(work, deadline.Token);
            }
            catch (Exception e)
            {
                await work.DisposeAsync();
                if (e is not (ProtocolViolationException or IOException) && !deadline.HasPassed) throw;
                // The user's affair, and told in one line.
                Log.Refused(host.Logger, name, PeerText.Escape(start.SourceAddress, 64), PeerText.Escape(deadline.HasPassed ? "no request in time" : e.Message, 512));
                return;
            }
        }
        await Relay.RunAsync(target, work, end, host.Time, cancellationToken);
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    /// <summary>Hears what a user wants, and connects him.</summary>
    /// <param name="user">The user.</param>
    /// <param name="cancellationToken">Carries the deadline.</param>
    /// <returns>The user, with whatever he has said already in front, and his target.</returns>
    /// <exception cref="ProtocolViolationException">He asks for what there is not, or may not. He has been told.</exception>
    /// <exception cref="IOException">He is gone, or his target cannot be reached.</exception>
    protected abstract ValueTask<(Connection User, Connection Target)> ConnectAsync(Connection user, CancellationToken cancellationToken);

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "{Plugin}: user [{User}] was not connected: {Cause}")]
        internal static partial void Refused(ILogger logger, string plugin, string user, string cause);
    }
}
