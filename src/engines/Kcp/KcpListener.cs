using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Threading.Channels;

namespace Kcp;

/// <summary>A UDP port where conversations begin: one for each address of a peer.</summary>
/// <remarks>
/// <para><b>Strangers.</b> A source address is easily made up, and a conversation begins with its first datagram. So its peer gets few bytes and little
/// memory until it has repeated a number that we chose (a timestamp, in an acknowledgement); and there are <see cref="MaxUnproven"/> of those at most: for
/// one more, the oldest goes. A conversation that is proven to be somebody's is not replaced by a datagram from its address, but only when the peer does
/// not answer any more.</para>
/// <para><b>Ownership.</b> Streams are their acceptor's, but live no longer than the listener.</para>
/// <para><b>Concurrency.</b> One accepting caller; everything else from any thread.</para>
/// </remarks>
public sealed class KcpListener : IAsyncDisposable
{
    /// <summary>Conversations whose peer has not shown yet that it hears us.</summary>
    public const int MaxUnproven = 1024;

    /// <summary>Conversations that nobody has accepted yet; beyond, datagrams of newcomers are dropped, who repeat them.</summary>
    // Source: wire reference 4.4.1.
    public const int Backlog = 128;

    /// <summary>Conversations in all; beyond, datagrams of newcomers are dropped.</summary>
    public const int MaxConversations = 65_536;

    private readonly Port _port;

    /// <summary>Listens.</summary>
    /// <param name="socket">A bound UDP socket. Ownership: the listener's.</param>
    /// <param name="options">Settings of accepted streams.</param>
    public KcpListener(Socket socket, KcpOptions options)
    {
        ArgumentNullException.ThrowIfNull(socket);
        ArgumentNullException.ThrowIfNull(options);
        LocalEndPoint = socket.LocalEndPoint!;
        _port = new Port(socket, options);
        _port.Listen();
    }

    /// <summary>The bound address.</summary>
    public EndPoint LocalEndPoint { get; }

    /// <summary>Conversations that are not over.</summary>
    public int Count => _port.Count;

    /// <summary>The next conversation. Null after <see cref="Stop"/>.</summary>
    public ValueTask<KcpStream?> AcceptAsync(CancellationToken cancellationToken = default) => _port.AcceptAsync(cancellationToken);

    /// <summary>No conversation begins any more; those that were accepted go on.</summary>
    public void Stop() => _port.Stop();

    /// <summary>Ends all conversations and closes the socket.</summary>
    public async ValueTask DisposeAsync()
    {
        _port.Stop();
        await _port.DisposeAsync();
        _port.EndAll();
    }

    private sealed class Port(Socket socket, KcpOptions options) : KcpSocket(socket, options)
    {
        private readonly Lock _lock = new();
        private readonly Dictionary<SocketAddress, KcpStream> _streams = [];
        private readonly LinkedList<KcpStream> _unproven = new(); // the oldest is first
        private readonly Channel<KcpStream> _backlog = Channel.CreateBounded<KcpStream>(new BoundedChannelOptions(Backlog) { SingleReader = true });
        private bool _isStopped;

        internal int Count
        {
            get { lock (_lock) return _streams.Count; }
        }

        internal void Listen() => Start();

        internal async ValueTask<KcpStream?> AcceptAsync(CancellationToken cancellationToken)
        {
            while (await _backlog.Reader.WaitToReadAsync(cancellationToken))
            {
                if (!_backlog.Reader.TryRead(out var stream)) continue;
                if (!stream.IsOver) return stream;
                await stream.DisposeAsync();
            }
            return null;
        }

        internal void Stop()
        {
            lock (_lock) _isStopped = true;
            _backlog.Writer.TryComplete();
            while (_backlog.Reader.TryRead(out var stream)) stream.Abort();
        }

        internal void EndAll()
        {
            KcpStream[] rest;
            lock (_lock) rest = [.. _streams.Values];
            foreach (var stream in rest) stream.End(new IOException("the listener was closed"));
        }

        internal override bool Send(ReadOnlySpan<byte> datagram, SocketAddress to)
        {
            try
            {
                Socket.SendTo(datagram, SocketFlags.None, to);
                return true;
            }
            catch (SocketException e)
            {
                return e.SocketErrorCode is not (SocketError.WouldBlock or SocketError.NoBufferSpaceAvailable); // else it is lost, as datagrams are
            }
            catch (ObjectDisposedException)
            {
                return true;
            }
        }

        internal override void OnProven(KcpStream stream)
        {
            lock (_lock) LeaveUnproven(stream);
        }

        internal override void Remove(KcpStream stream)
        {
            base.Remove(stream);
            lock (_lock)
            {
                LeaveUnproven(stream);
                if (_streams.TryGetValue(stream.Address, out var known) && known == stream) _streams.Remove(stream.Address);
            }
        }

        internal override ValueTask OnDisposedAsync() => default;

        protected override void OnDatagram(ReadOnlySpan<byte> datagram, SocketAddress from, long now)
        {
            KcpStream? known;
            lock (_lock) known = _streams.GetValueOrDefault(from);
            if (!DatagramReader.TryGetFirst(datagram, out var first))
            {
                if (known is not null) Deliver(known, datagram, now); // parity says nothing of whose it is
                return;
            }
            if (known is not null && first.Conversation == known.Id)
            {
                Deliver(known, datagram, now);
                return;
            }
            // What is not the beginning of a conversation is a rest of one, of before a restart of ours or of the peer's.
            if (first is not { Command: SegmentCommand.Push, Number: 0, Expected: 0 }) return;
            if (known is not null)
            {
                if (!known.GivesWay(now)) return;
                known.End(new IOException("the peer has begun another conversation"));
            }
            if (Admit(from, first.Conversation) is { } stream)
            {
                Deliver(stream, datagram, now);
                if (!_backlog.Writer.TryWrite(stream)) stream.Abort();
            }
        }

        // Of a socket that is bound and not connected, errors are about single peers, and they are not said which.
        protected override void OnError(SocketException error)
        {
        }

        private KcpStream? Admit(SocketAddress from, uint id)
        {
            KcpStream? oldest = null;
            KcpStream stream;
            lock (_lock)
            {
                if (_isStopped || _streams.Count >= MaxConversations || _backlog.Reader.Count >= Backlog) return null;
                var address = new SocketAddress(from.Family, from.Size);
                from.Buffer.Span[..from.Size].CopyTo(address.Buffer.Span);
                stream = new KcpStream(this, address, id, BitConverter.ToUInt32(RandomNumberGenerator.GetBytes(4)), isProven: false);
                _streams.Add(address, stream);
                stream.Unproven = _unproven.AddLast(stream);
                if (_unproven.Count > MaxUnproven) oldest = _unproven.First!.Value;
            }
            oldest?.End(new IOException("it had to make room"));
            return stream;
        }

        // Under the lock.
        private void LeaveUnproven(KcpStream stream)
        {
            if (stream.Unproven is not { } node) return;
            _unproven.Remove(node);
            stream.Unproven = null;
        }
    }
}
