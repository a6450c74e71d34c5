using System.Runtime.ExceptionServices;
using Frp.Transport;

namespace Frp.Proxies;

/// <summary>One payload connection while datagrams go over it, both ways: the end of one direction is the end of both.</summary>
internal static class PacketLink
{
    // Source: wire specification §14.3, §14.8.
    private static readonly TimeSpan PingPeriod = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan SilenceLimit = TimeSpan.FromSeconds(60);

    /// <summary>The longest that a peer may leave a write unread.</summary>
    private static readonly TimeSpan WriteLimit = TimeSpan.FromSeconds(60);

    /// <summary>Runs the end that users send to: it expects a sign of life from the peer each minute.</summary>
    /// <param name="connection">Ownership passes to the call.</param>
    /// <param name="outbox">What is sent.</param>
    /// <param name="read">Reads until the peer ends the stream; says each time when something has come.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Ends the connection.</param>
    /// <returns>Why it ended.</returns>
    internal static Task<CloseReason> RunUserEndAsync(Connection connection, DatagramOutbox outbox, Func<Link, Task> read, TimeProvider time, CancellationToken cancellationToken) =>
        RunAsync(new UserEnd(connection, outbox, time), read, cancellationToken);

    /// <summary>Runs the end beside the service: it sends a sign of life every half minute.</summary>
    /// <inheritdoc cref="RunUserEndAsync"/>
    internal static Task<CloseReason> RunServiceEndAsync(Connection connection, DatagramOutbox outbox, Func<Link, Task> read, TimeProvider time, CancellationToken cancellationToken) =>
        RunAsync(new ServiceEnd(connection, outbox, time), read, cancellationToken);

    private static async Task<CloseReason> RunAsync(Link link, Func<Link, Task> read, CancellationToken cancellationToken)
    {
        CloseReason reason;
        link.Watch();
        await using (var registration = cancellationToken.UnsafeRegister(static state => ((Link)state!).End(new CloseReason(CloseKind.Shutdown, "stopping")), link))
        {
            var reading = ReadAsync(link, read);
            var sending = SendAsync(link);
            await reading;
            await sending;
            reason = link.Reason!;
        }
        await link.DisposeAsync();
        if (reason is { Kind: CloseKind.Fault, Exception: { } fault }) ExceptionDispatchInfo.Throw(fault);
        return reason;
    }

    private static async Task ReadAsync(Link link, Func<Link, Task> read)
    {
        try
        {
            await read(link);
            link.End(new CloseReason(CloseKind.EndOfStream, "the peer closed the connection"));
        }
        catch (Exception e)
        {
            link.End(CloseReason.From(e));
        }
    }

    private static async Task SendAsync(Link link)
    {
        try
        {
            await link.Outbox.SendAsync(link.Connection.Stream, link.Ended);
        }
        catch (Exception e)
        {
            link.End(CloseReason.From(e));
        }
    }

    /// <summary>What the parts of a running connection share.</summary>
    internal abstract class Link(Connection connection, DatagramOutbox outbox, TimeProvider time) : IAsyncDisposable
    {
        private readonly CancellationTokenSource _ended = new();
        private CloseReason? _reason;
        private ITimer? _timer;

        internal Connection Connection => connection;

        internal DatagramOutbox Outbox => outbox;

        /// <summary>Fires when either direction has ended.</summary>
        internal CancellationToken Ended { get; private set; }

        internal CloseReason? Reason => Volatile.Read(ref _reason);

        private protected TimeProvider Time => time;

        /// <summary>Something has come from the peer.</summary>
        internal abstract void Touch();

        /// <summary>Ends the connection. The first reason wins.</summary>
        internal void End(CloseReason reason)
        {
            if (Interlocked.CompareExchange(ref _reason, reason, null) is not null) return;
            connection.Abort();
            _ended.Cancel();
        }

        /// <summary>Starts the clock.</summary>
        internal void Watch()
        {
            Ended = _ended.Token;
            Touch();
            _timer = time.CreateTimer(static state => ((Link)state!).OnTimer(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            _timer.Change(FirstDue, Timeout.InfiniteTimeSpan);
        }

        public async ValueTask DisposeAsync()
        {
            if (_timer is not null) await _timer.DisposeAsync();
            await connection.DisposeAsync();
            _ended.Dispose();
        }

        private protected abstract TimeSpan FirstDue { get; }

        /// <summary>Does what is due.</summary>
        /// <returns>When to come again.</returns>
        private protected abstract TimeSpan OnDue();

        private void OnTimer()
        {
            if (Reason is not null) return;
            if (outbox.WriteDuration >= WriteLimit) End(new CloseReason(CloseKind.Timeout, "the peer has taken nothing for 60 s"));
            else if (OnDue() is { Ticks: > 0 } next) _timer!.Change(next, Timeout.InfiniteTimeSpan);
        }
    }

    private sealed class UserEnd(Connection connection, DatagramOutbox outbox, TimeProvider time) : Link(connection, outbox, time)
    {
        private long _last;

        internal override void Touch() => Volatile.Write(ref _last, Time.GetTimestamp());

        private protected override TimeSpan FirstDue => SilenceLimit;

        private protected override TimeSpan OnDue()
        {
            var left = SilenceLimit - Time.GetElapsedTime(Volatile.Read(ref _last));
            if (left > TimeSpan.Zero) return left;
            End(new CloseReason(CloseKind.Timeout, "nothing has come from the peer for 60 s"));
            return TimeSpan.Zero;
        }
    }

    private sealed class ServiceEnd(Connection connection, DatagramOutbox outbox, TimeProvider time) : Link(connection, outbox, time)
    {
        internal override void Touch() { }

        private protected override TimeSpan FirstDue => PingPeriod;

        private protected override TimeSpan OnDue()
        {
            Outbox.AppendPing();
            Outbox.Kick();
            return PingPeriod;
        }
    }
}
