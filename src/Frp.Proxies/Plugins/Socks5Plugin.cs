using System.Net;
using System.Net.Sockets;
using Frp.Transport;
using Frp.Wire;

namespace Frp.Proxies.Plugins;

/// <summary>The plug-in <c>socks5</c>: users name whom they want to be connected to, by SOCKS 5.</summary>
internal sealed class Socks5Plugin(Socks5PluginConfig config, IClientProxyHost host) : IClientProxy
{
    public async Task ServeAsync(Connection work, StartWorkConn start, RelayEnd end, CancellationToken cancellationToken)
    {
        Connection target;
        try
        {
            using var deadline = new Deadline(ForwardProxy.RequestTimeout, host.Time, cancellationToken);
            try
            {
                var wanted = await Socks5Handshake.ReadRequestAsync(work.Stream, Admits, deadline.Token);
                target = await DialAsync(work.Stream, wanted, deadline.Token);
            }
            catch (Exception e) when (ForwardProxy.IsUsersFault(e, deadline))
            {
                ForwardProxy.Log.Refused(host.Logger, "socks5", PeerText.Escape(start.SourceAddress, 64), PeerText.Escape(deadline.HasPassed ? "no request in time" : e.Message, 512));
                await work.DisposeAsync();
                return;
            }
        }
        catch (Exception)
        {
            await work.DisposeAsync();
            throw;
        }
        await Relay.RunAsync(target, work, end, host.Time, cancellationToken);
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private Func<string, string, bool>? Admits => config.Username.Length == 0 && config.Password.Length == 0
        ? null
        : (user, password) => SecretText.AreEqual(user, config.Username) & SecretText.AreEqual(password, config.Password);

    private async ValueTask<Connection> DialAsync(Stream user, HostPort wanted, CancellationToken cancellationToken)
    {
        Connection target;
        try
        {
            target = await host.DialLocalAsync(wanted.Host, wanted.Port, cancellationToken);
        }
        catch (IOException e)
        {
            await Socks5Handshake.ReplyAsync(user, ReplyTo(e.InnerException), bound: null, cancellationToken);
            throw;
        }
        try
        {
            await Socks5Handshake.ReplyAsync(user, Socks5Reply.Succeeded, target.Local as IPEndPoint, cancellationToken);
            return target;
        }
        catch (Exception)
        {
            await target.DisposeAsync();
            throw;
        }
    }

    private static Socks5Reply ReplyTo(Exception? cause) => (cause as SocketException)?.SocketErrorCode switch
    {
        SocketError.ConnectionRefused => Socks5Reply.ConnectionRefused,
        SocketError.NetworkUnreachable => Socks5Reply.NetworkUnreachable,
        SocketError.HostUnreachable or SocketError.HostNotFound or SocketError.TimedOut => Socks5Reply.HostUnreachable,
        _ => cause is TimeoutException ? Socks5Reply.HostUnreachable : Socks5Reply.GeneralFailure,
    };
}
