using System.Net.Sockets;
using Frp.Config;
using Frp.Transport;
using Microsoft.Extensions.Logging;

namespace Frp.Proxies.Plugins;

/// <summary>The plug-in <c>unix_domain_socket</c>: users become connections to a Unix-domain socket.</summary>
internal static partial class UnixSocketPlugin
{
    // A full backlog is waited for, as the service's other clients do.
    private static readonly TimeSpan DialTimeout = TimeSpan.FromSeconds(10);

    internal static IClientProxy Create(ProxyConfig config, IClientProxyHost host)
    {
        string path = ((UnixDomainSocketPluginConfig)config.Plugin!).UnixPath;
        return new BackendProxy(config, host, token => DialAsync(path, host, token));
    }

    private static async ValueTask<Connection> DialAsync(string path, IClientProxyHost host, CancellationToken cancellationToken)
    {
        using var deadline = new Deadline(DialTimeout, host.Time, cancellationToken);
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), deadline.Token);
            return new SocketConnection(socket);
        }
        catch (Exception e)
        {
            socket.Dispose();
            if (e is OperationCanceledException && deadline.HasPassed) e = deadline.Passed($"connection to {path}");
            else if (e is not (SocketException or ArgumentException)) throw;
            // The platform has no word of its own for a path that is not there.
            string cause = e is SocketException { SocketErrorCode: SocketError.AddressNotAvailable } ? "no such file or directory" : e.Message;
            Log.DialFailed(host.Logger, path, cause);
            throw new IOException($"unix socket: {cause}", e);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "connect to unix socket [{Path}] error: {Cause}")]
        internal static partial void DialFailed(ILogger logger, string path, string cause);
    }
}
