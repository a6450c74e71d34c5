using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;

namespace Frp.Transport.Tests;

public class AcceptCrowdTests
{
    [Fact]
    public async Task Others_have_the_thread_between_the_connections_of_a_crowd()
    {
        const int Crowd = 20;
        using var socket = BindAddress.Bind(new IPEndPoint(IPAddress.Loopback, 0), SocketType.Stream, ProtocolType.Tcp);
        socket.Listen(Crowd);
        var waiting = new Queue<Socket>();
        for (int i = 0; i < Crowd; i++)
        {
            await Peers.DialAsync(((IPEndPoint)socket.LocalEndPoint!).Port);
            waiting.Enqueue(await socket.AcceptAsync(Patience.Token));
        }
        await using var listener = new TcpBindListener(socket, _ => ValueTask.FromResult(waiting.Dequeue()), new TcpListenOptions(), TimeProvider.System, NullLogger.Instance);
        var turns = new Turns();
        int inARow = 0, longest = 0;
        for (int i = 0; i < Crowd; i++)
        {
            int before = turns.Count;
            var accepting = Accept();
            inARow = turns.Count == before ? inARow + 1 : 0;
            longest = Math.Max(longest, inARow);
            await using var incoming = Assert.IsType<SocketConnection>(await accepting.Soon());
        }
        Assert.InRange(longest, 1, 8);

        Task<IIncoming?> Accept()
        {
            var own = SynchronizationContext.Current;
            SynchronizationContext.SetSynchronizationContext(turns);
            try
            {
                return listener.AcceptAsync(Patience.Token).AsTask();
            }
            finally
            {
                SynchronizationContext.SetSynchronizationContext(own);
            }
        }
    }

    /// <summary>Counts what leaves its thread to others.</summary>
    private sealed class Turns : SynchronizationContext
    {
        private int _count;

        internal int Count => Volatile.Read(ref _count);

        public override void Post(SendOrPostCallback d, object? state)
        {
            Interlocked.Increment(ref _count);
            ThreadPool.UnsafeQueueUserWorkItem(static item => item.d(item.state), (d, state), preferLocal: false);
        }
    }
}
