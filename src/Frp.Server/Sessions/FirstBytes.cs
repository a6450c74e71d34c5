using System.Net;
using System.Net.Sockets;
using Frp.Transport;

namespace Frp.Server;

/// <summary>
/// Watches a user and the work connection that was chosen for it until one of them says something: up to then nothing is lost
/// when the work connection dies, and the user can be given to somebody else.
/// </summary>
/// <remarks>
/// From sockets and mux streams nothing is read, so that a relay behind it can take its short way. It costs a wake-up for each
/// user, and is therefore for users only who can be given to somebody else.
/// </remarks>
internal static class FirstBytes
{
    /// <summary>Waits for the first byte from either side, or an end.</summary>
    /// <param name="user">Not owned. Nothing is read from it.</param>
    /// <param name="work">Owned by the result; by the caller still when the wait fails.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The work connection, to be used instead of the one that was given; and whether it is alive, as far as can be told.</returns>
    internal static async ValueTask<(Connection Work, bool IsAlive)> WaitAsync(Connection user, Connection work, CancellationToken cancellationToken)
    {
        // A user whose first bytes are there already: one look must do.
        if (!user.TryGetSocket(out var socket)) return (work, !IsOver(work));
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        // A read of no bytes completes when there is something to read, or the end.
        var userSpeaks = socket.ReceiveAsync(Memory<byte>.Empty, SocketFlags.None, enough.Token).AsTask();
        if (work is not MuxConnection && !work.TryGetSocket(out _)) return await WaitAheadAsync(userSpeaks, work, enough, cancellationToken);
        var workSpeaks = work.Stream.ReadAsync(Memory<byte>.Empty, enough.Token).AsTask();
        await Task.WhenAny(userSpeaks, workSpeaks);
        await enough.CancelAsync();
        await ((Task)Task.WhenAll(userSpeaks, workSpeaks)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        cancellationToken.ThrowIfCancellationRequested();
        return (work, !IsOver(work));
    }

    /// <summary>Where reads of no bytes tell nothing, and reads cannot be taken back: the first one is begun here, and finished by the relay.</summary>
    private static async ValueTask<(Connection Work, bool IsAlive)> WaitAheadAsync(Task<int> userSpeaks, Connection work, CancellationTokenSource enough, CancellationToken cancellationToken)
    {
        var ahead = new AheadConnection(work);
        await Task.WhenAny(userSpeaks, ahead.FirstRead);
        await enough.CancelAsync();
        await ((Task)userSpeaks).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        cancellationToken.ThrowIfCancellationRequested();
        return (ahead, ahead.FirstRead.IsCompleted ? ahead.FirstRead.IsCompletedSuccessfully && await ahead.FirstRead > 0 : !ahead.HasPeerLeft);
    }

    /// <summary>Whether nothing has come and nothing will. Asks the machine, too: it knows of a client's end before our loops do.</summary>
    private static bool IsOver(Connection work)
    {
        if (work is MuxConnection { MuxStream: var stream }) return stream.QueuedReceiveBytes == 0 && (stream.IsReadable || work.HasPeerLeft) && stream.QueuedReceiveBytes == 0;
        return work.HasPeerLeft && !(work.TryGetSocket(out var socket) && socket.Available > 0);
    }

    /// <summary>A connection whose first read is under way.</summary>
    private sealed class AheadConnection : Connection
    {
        private const int FirstReadSize = 512; // what a waiting relay holds

        private readonly Connection _inner;

        internal AheadConnection(Connection inner)
        {
            _inner = inner;
            var buffer = new byte[FirstReadSize];
            FirstRead = inner.Stream.ReadAsync(buffer, CancellationToken.None).AsTask();
            Stream = new AheadStream(inner.Stream, FirstRead, buffer);
        }

        internal Task<int> FirstRead { get; }

        public override Stream Stream { get; }

        public override EndPoint? Local => _inner.Local;

        public override EndPoint? Remote => _inner.Remote;

        public override CarrierLayers Layers => _inner.Layers;

        public override ReadOnlyMemory<byte> ServerCertificateHash => _inner.ServerCertificateHash;

        public override bool CanHalfClose => _inner.CanHalfClose;

        public override bool HasPeerLeft => _inner.HasPeerLeft;

        public override LinkState State => _inner.State;

        public override ValueTask CompleteWritesAsync(CancellationToken cancellationToken) => _inner.CompleteWritesAsync(cancellationToken);

        public override void Abort() => _inner.Abort();

        public override async ValueTask DisposeAsync()
        {
            await _inner.DisposeAsync();
            await ((Task)FirstRead).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private sealed class AheadStream(Stream inner, Task<int> firstRead, byte[] buffer) : DuplexStream
    {
        private Task<int>? _firstRead = firstRead;
        private ReadOnlyMemory<byte> _rest;

        public override ValueTask<int> ReadAsync(Memory<byte> destination, CancellationToken cancellationToken = default) =>
            _firstRead is null && _rest.IsEmpty ? inner.ReadAsync(destination, cancellationToken) : ReadFirstAsync(destination, cancellationToken);

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken = default) => inner.WriteAsync(source, cancellationToken);

        public override Task FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);

        private async ValueTask<int> ReadFirstAsync(Memory<byte> destination, CancellationToken cancellationToken)
        {
            if (_firstRead is not null)
            {
                _rest = buffer.AsMemory(0, await _firstRead.WaitAsync(cancellationToken));
                _firstRead = null;
            }
            int count = Math.Min(_rest.Length, destination.Length);
            _rest.Span[..count].CopyTo(destination.Span);
            _rest = _rest[count..];
            return count;
        }
    }
}
