using System.Net;
using System.Net.Sockets;
using Frp.Transport;
using Frp.Wire;

namespace Frp.Proxies.Plugins;

/// <summary>The plug-in <c>socks5</c>: users name whom they want to be connected to, by SOCKS 5.</summary>
internal sealed class Socks5Plugin(Socks5PluginConfig config, IClientProxyHost host) : ForwardProxy("socks5", host)
{
    protected override async ValueTask<(Connection User, Connection Target)> ConnectAsync(Connection user, CancellationToken cancellationToken)
    {
        var wanted = await Socks5Handshake.ReadRequestAsync(user.Stream, Admits, cancellationToken);
        return (user, await DialAsync(user.Stream, wanted, cancellationToken));
    }

    private Func<string, string, bool>? Admits => config.Username.Length == 0 && config.Password.Length == 0
        ? null
        : (user, password) => SecretText.AreEqual(user, config.Username) & SecretText.AreEqual(password, config.Password);

    private async ValueTask<Connection> DialAsync(Stream user, HostPort wanted, CancellationToken cancellationToken)
    {
        Connection target;
        try
        {
            target = await Host.DialLocalAsync(wanted.Host, wanted.Port, cancellationToken);
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
