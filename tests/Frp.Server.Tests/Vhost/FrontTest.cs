using System.Text;
using Frp.Config;
using Frp.Proxies;
using Frp.TestKit;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Frp.Server.Tests;

/// <summary>A front behind a real port, with a clock that stands still.</summary>
public abstract class FrontTest : IAsyncDisposable
{
    private readonly VhostPorts _ports;
    private readonly List<IUserListener> _listeners = [];

    protected FrontTest()
    {
        Config = new ServerConfig { BindAddr = "127.0.0.1", ProxyBindAddr = "127.0.0.1" };
        _ports = new VhostPorts(Config, Time, NullLogger.Instance);
        Ingress = new LocalIngressRegistry(Time);
    }

    private protected ServerConfig Config { get; }
    private protected FakeTimeProvider Time { get; } = new();
    private protected LocalIngressRegistry Ingress { get; }
    private protected int Port { get; } = Ports.Next();

    public virtual async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        await _ports.DisposeAsync();
        foreach (var listener in _listeners) await listener.DisposeAsync();
    }

    private protected ValueTask OpenAsync(IVhostFront front) => _ports.OpenAsync("front", Port, front, mayShare: null, CancellationToken.None);

    private protected IUserListener Keep(IUserListener listener)
    {
        _listeners.Add(listener);
        return listener;
    }

    private protected async Task<User> SendAsync(params ReadOnlyMemory<byte>[] pieces)
    {
        var user = await User.ConnectAsync(Port);
        foreach (var piece in pieces) await user.SendAsync(piece);
        return user;
    }

    private protected Task<User> SendAsync(string text) => SendAsync(Encoding.Latin1.GetBytes(text));

    /// <summary>What a listener's next user says, and the answer that it gets.</summary>
    private protected static async Task<byte[]> TakeAsync(IUserListener listener, int count, string answer)
    {
        await using var connection = (await listener.AcceptAsync(CancellationToken.None).Soon())!;
        var bytes = new byte[count];
        await connection.Stream.ReadExactlyAsync(bytes).Soon();
        Assert.True(connection.TryGetSocket(out _), "the relay cannot take the short way");
        await connection.Stream.WriteAsync(Encoding.Latin1.GetBytes(answer)).Soon();
        return bytes;
    }

    /// <summary>Lets time pass until a connection that says nothing is closed.</summary>
    private protected async Task UntilClosedAsync(User user, TimeSpan limit)
    {
        var end = user.WaitForEndAsync();
        await Patience.UntilAsync(() => _ports.ConnectionCount > 0, () => "the connection has not come in");
        Time.Advance(limit - TimeSpan.FromSeconds(1));
        Assert.False(end.IsCompleted);
        // The front may have looked at the clock a little after it was put forward.
        await Patience.UntilAsync(() =>
        {
            Time.Advance(TimeSpan.FromSeconds(1));
            return end.IsCompleted;
        }, () => "the connection is still open");
        await end;
    }

    private protected Task UntilIdleAsync() => Patience.UntilAsync(() => _ports.ConnectionCount == 0, () => "a connection is still with the front");
}
