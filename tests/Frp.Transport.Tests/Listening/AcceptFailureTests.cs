using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace Frp.Transport.Tests;

public class AcceptFailureTests
{
    private readonly CountingTime _time = new();
    private readonly Collector _log = new();
    private readonly ConcurrentQueue<SocketError> _failures = [];
    private int _attempts;

    [Fact]
    public async Task Running_out_of_descriptors_pauses_and_never_ends_accepting()
    {
        await using var listener = Listen();
        for (var i = 0; i < 12; i++) _failures.Enqueue(SocketError.TooManyOpenSockets);
        using var peer = await Peers.DialAsync(listener.Port);
        var accept = listener.AcceptAsync(Patience.Token).AsTask();
        // 5, 10, ... 640 ms, then a second at a time: never sooner, never later.
        var pause = TimeSpan.FromMilliseconds(5);
        for (var i = 1; i <= 12; i++)
        {
            await UntilAsync(() => _time.Timers == i); // it has begun to wait
            Assert.Equal(i, _attempts);
            _time.Advance(pause - TimeSpan.FromTicks(1));
            Assert.Equal(i, _attempts);
            _time.Advance(TimeSpan.FromTicks(1));
            await UntilAsync(() => _attempts == i + 1);
            pause = pause * 2 > TimeSpan.FromSeconds(1) ? TimeSpan.FromSeconds(1) : pause * 2;
        }
        Assert.NotNull(await accept.Soon());
        Assert.Equal(["AcceptPaused", "AcceptResumed"], _log.Events);
    }

    [Fact]
    public async Task Peers_that_are_gone_already_are_skipped_without_a_word()
    {
        await using var listener = Listen();
        _failures.Enqueue(SocketError.ConnectionAborted);
        _failures.Enqueue(SocketError.ConnectionReset);
        using var peer = await Peers.DialAsync(listener.Port);
        Assert.NotNull(await listener.AcceptAsync(Patience.Token).Soon());
        Assert.Empty(_log.Events);
    }

    [Fact]
    public async Task A_pause_ends_when_the_listener_does()
    {
        var listener = Listen();
        _failures.Enqueue(SocketError.NoBufferSpaceAvailable);
        var accept = listener.AcceptAsync(Patience.Token).AsTask();
        Assert.False(accept.IsCompleted);
        await listener.DisposeAsync();
        Assert.Null(await accept.Soon());
    }

    private TcpBindListener Listen()
    {
        var socket = BindAddress.Bind(new IPEndPoint(IPAddress.Loopback, 0), SocketType.Stream, ProtocolType.Tcp);
        socket.Listen();
        return new TcpBindListener(socket, AcceptAsync, new TcpListenOptions(), _time, _log);

        ValueTask<Socket> AcceptAsync(CancellationToken token)
        {
            Interlocked.Increment(ref _attempts);
            return _failures.TryDequeue(out var error) ? throw new SocketException((int)error) : socket.AcceptAsync(token);
        }
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        var token = Patience.Token;
        while (!condition())
        {
            token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }

    private sealed class CountingTime : FakeTimeProvider
    {
        private int _timers;

        internal int Timers => Volatile.Read(ref _timers);

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            var timer = base.CreateTimer(callback, state, dueTime, period);
            Interlocked.Increment(ref _timers);
            return timer;
        }
    }

    private sealed class Collector : ILogger
    {
        internal ConcurrentQueue<string?> Events { get; } = [];

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Events.Enqueue(eventId.Name);
    }
}
