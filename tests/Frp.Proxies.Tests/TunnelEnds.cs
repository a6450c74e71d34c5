using System.Net;
using System.Net.Sockets;
using Frp.TestKit;
using Frp.Transport;
using Frp.Wire;
using Microsoft.Extensions.Logging.Abstractions;

namespace Frp.Proxies.Tests;

/// <summary>Both ends of a tunnel for datagrams in this process: a port for users, a connection, and the side of a service.</summary>
internal sealed class TunnelEnds : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _receiving;
    private readonly Task<CloseReason> _carrying;
    private readonly Task<CloseReason> _serving;

    private TunnelEnds(IMessageCodec codec, TimeProvider time, IPEndPoint service, Connection a, Connection b)
    {
        Port = BindAddress.Bind(new IPEndPoint(IPAddress.IPv6Any, 0), SocketType.Dgram, ProtocolType.Udp);
        Users = new UserDatagrams(Port, codec, 1500, time, NullLogger.Instance);
        Local = new LocalDatagrams(service, codec, 1500, "", time, NullLogger.Instance);
        _receiving = Users.ReceiveAsync(_stop.Token);
        _carrying = Users.CarryAsync(a, _stop.Token);
        _serving = Local.RunAsync(b, _stop.Token);
    }

    internal Socket Port { get; }

    internal UserDatagrams Users { get; }

    internal LocalDatagrams Local { get; }

    internal IPEndPoint Address => new(IPAddress.Loopback, ((IPEndPoint)Port.LocalEndPoint!).Port);

    internal Task<CloseReason> Served => _serving;

    internal static async Task<TunnelEnds> OpenAsync(IMessageCodec codec, TimeProvider time, IPEndPoint service)
    {
        var (a, b) = await Connections.PairAsync();
        return new TunnelEnds(codec, time, service, a, b);
    }

    /// <summary>A user of the port, who waits for an answer as long as a test waits for anything.</summary>
    internal Socket NewUser()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp) { ReceiveTimeout = (int)Patience.Limit.TotalMilliseconds };
        socket.Connect(Address);
        return socket;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        Port.Dispose();
        await _receiving.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _carrying.Soon();
        await _serving.Soon();
        _stop.Dispose();
    }
}
