using System.Net;
using System.Net.Sockets;
using Kcp;

namespace Frp.Transport;

/// <summary>A UDP port for KCP. What it accepts are <see cref="KcpConnection"/>s, which need no handshake.</summary>
/// <remarks>
/// <para><b>Ends.</b> All connections share the port's socket. So there are two steps: <see cref="Stop"/>, after which none is accepted, and disposal,
/// which ends those that are left.</para>
/// </remarks>
public sealed class KcpBindListener : IListener
{
    private readonly KcpListener _listener;

    private KcpBindListener(KcpListener listener) => (_listener, Local) = (listener, EndPoints.Unmap(listener.LocalEndPoint)!);

    /// <inheritdoc/>
    public EndPoint Local { get; }

    /// <summary>The bound port.</summary>
    public int Port => ((IPEndPoint)Local).Port;

    /// <summary>Binds.</summary>
    /// <param name="host">An address or a name; empty, <c>0.0.0.0</c> and <c>::</c> mean every interface, IPv4 and IPv6.</param>
    /// <param name="port">Zero for any free one.</param>
    /// <param name="timeProvider">The clock.</param>
    /// <param name="cancellationToken">For the look-up of a name.</param>
    /// <exception cref="SocketException">The port is taken or forbidden, or the address is not ours.</exception>
    public static async ValueTask<KcpBindListener> BindAsync(string host, int port, TimeProvider timeProvider, CancellationToken cancellationToken = default)
    {
        var endPoint = await BindAddress.ResolveAsync(host, port, cancellationToken);
        var socket = BindAddress.Bind(endPoint, SocketType.Dgram, ProtocolType.Udp);
        try
        {
            return new KcpBindListener(new KcpListener(socket, KcpSettings.Server(timeProvider)));
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public async ValueTask<IIncoming?> AcceptAsync(CancellationToken cancellationToken) =>
        await _listener.AcceptAsync(cancellationToken) is { } stream ? new KcpConnection(stream) : null;

    /// <summary>Accepts nobody any more; connections go on.</summary>
    public void Stop() => _listener.Stop();

    /// <summary>Ends all connections and closes the port.</summary>
    public ValueTask DisposeAsync() => _listener.DisposeAsync();
}

/// <summary>Settings of conversations between frpc and frps. Source: docs/wire/kcp.md.</summary>
internal static class KcpSettings
{
    internal static KcpOptions Server(TimeProvider timeProvider) => new() { SendWindow = 1024, ReceiveWindow = 1024, TimeProvider = timeProvider };

    internal static KcpOptions Client(TimeProvider timeProvider) => new() { SendWindow = 128, ReceiveWindow = 512, TimeProvider = timeProvider };
}
