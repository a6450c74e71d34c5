using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;
using Frp.Transport;
using Frp.Wire;
using Microsoft.Extensions.Logging;

namespace Frp.Proxies;

/// <summary>The end of a udp or sudp tunnel beside the service: one work connection, and a local socket for each of its users.</summary>
/// <remarks>
/// <para><b>Flows.</b> A user whose datagrams have rested for 30 s, both ways, is forgotten. There are at most 8192; a further one
/// takes the place of those that have rested longest, as does one for whom the system has no descriptor left.</para>
/// <para><b>Full queue.</b> Answers are dropped while 1024 wait for the work connection. What comes from it waits for the local
/// socket, and the peer with it.</para>
/// <para><b>The service.</b> Its refusals end nothing: the next datagram is tried as if there had been none.</para>
/// </remarks>
internal sealed class LocalDatagrams
{
    // Source: wire specification §14.3.
    internal static readonly TimeSpan IdleLimit = TimeSpan.FromSeconds(30);
    internal const int MaxFlows = 8192;
    // Looking through the table pays for many newcomers at once.
    private const int MadeRoomFor = 256;
    private static readonly TimeSpan ShortestSweep = TimeSpan.FromSeconds(1);

    private readonly IPEndPoint _service;
    private readonly IMessageCodec _codec;
    private readonly int _datagramSize;
    private readonly string _proxyProtocol;
    private readonly TimeProvider _time;
    private readonly DropReport _drops;
    private readonly DatagramOutbox _outbox;
    private readonly Lock _lock = new();
    private readonly Dictionary<byte[], LocalFlow> _flows = new(AddressBytes.Instance);
    private readonly Dictionary<byte[], LocalFlow>.AlternateLookup<ReadOnlySpan<byte>> _find;
    private readonly CancellationTokenSource _closing = new();
    private ITimer? _sweep;
    private bool _over;

    /// <summary>Prepares the end.</summary>
    /// <param name="service">Where datagrams go.</param>
    /// <param name="codec">The framing on the work connection.</param>
    /// <param name="datagramSize">Bytes of an answer that are read; the rest is cut off.</param>
    /// <param name="proxyProtocol"><c>v1</c> or <c>v2</c> to say who the user is before each user's first datagram; empty for not.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Told about drops.</param>
    internal LocalDatagrams(IPEndPoint service, IMessageCodec codec, int datagramSize, string proxyProtocol, TimeProvider time, ILogger logger)
    {
        (_service, _codec, _datagramSize, _proxyProtocol, _time) = (service, codec, datagramSize, proxyProtocol, time);
        _drops = new DropReport(logger, time);
        _outbox = new DatagramOutbox(codec, time);
        _find = _flows.GetAlternateLookup<ReadOnlySpan<byte>>();
    }

    /// <summary>Users that are remembered.</summary>
    internal int FlowCount
    {
        get
        {
            lock (_lock) return _flows.Count;
        }
    }

    /// <summary>Serves the work connection until it ends.</summary>
    /// <param name="work">Ownership passes to the call.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>Why it ended.</returns>
    internal async Task<CloseReason> RunAsync(Connection work, CancellationToken cancellationToken)
    {
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _closing.Token);
        try
        {
            return await PacketLink.RunServiceEndAsync(work, _outbox, ReadAsync, _time, ends.Token);
        }
        finally
        {
            CloseAll();
        }
    }

    /// <summary>Ends the work connection.</summary>
    internal void Close() => _closing.Cancel();

    /// <summary>Puts an answer of the service behind the others.</summary>
    /// <returns>Whether it was taken.</returns>
    internal bool TakeAnswer(LocalFlow flow, ReadOnlySpan<byte> content)
    {
        flow.Touch(_time.GetTimestamp());
        var outcome = _outbox.Append(content, flow.Address);
        if (outcome == DatagramOutbox.Outcome.Queued) return true;
        _drops.Count(outcome == DatagramOutbox.Outcome.Full ? DropReason.QueueFull : DropReason.TooLong);
        return false;
    }

    /// <summary>Lets the answers leave.</summary>
    internal void Kick() => _outbox.Kick();

    /// <summary>A flow is of no more use.</summary>
    internal void Remove(LocalFlow flow)
    {
        lock (_lock)
        {
            if (_flows.TryGetValue(flow.Address, out var current) && current == flow) _flows.Remove(flow.Address);
        }
        flow.Close();
    }

    private async Task ReadAsync(PacketLink.Link link)
    {
        using var reader = new PacketReader(link.Connection.Stream, _codec);
        while (await reader.FillAsync(CancellationToken.None))
        {
            link.Touch();
            PacketKind kind;
            while ((kind = reader.TryTake(out var packet)) != PacketKind.None)
            {
                if (kind == PacketKind.Datagram) await ServeAsync(packet);
            }
        }
    }

    private async ValueTask ServeAsync(Packet packet)
    {
        var flow = Find(packet.Address.Span);
        if (flow is null && !TryOpen(packet.Address.Span, out flow)) return;
        flow.Touch(_time.GetTimestamp());
        var error = await flow.SendAsync(packet.Content);
        if (error == SocketError.Shutdown && TryOpen(packet.Address.Span, out flow)) error = await flow.SendAsync(packet.Content); // it was forgotten this moment
        if (error != SocketError.Success) _drops.Count(DropReason.Unsendable);
    }

    private LocalFlow? Find(ReadOnlySpan<byte> address)
    {
        lock (_lock) return _find.TryGetValue(address, out var flow) ? flow : null;
    }

    private bool TryOpen(ReadOnlySpan<byte> address, [NotNullWhen(true)] out LocalFlow? flow)
    {
        flow = null;
        var json = address.ToArray();
        if (!TryRead(json, out var user))
        {
            _drops.Count(DropReason.NoAddress);
            return false;
        }
        try
        {
            var header = _proxyProtocol.Length == 0 ? null : ProxyProtocolHeader.Encode(_proxyProtocol, user, _service, datagrams: true);
            flow = Create(json, header);
        }
        catch (Exception e) when (e is SocketException or IOException)
        {
            _drops.Count(DropReason.NoSocket);
            return false;
        }
        flow.Touch(_time.GetTimestamp());
        List<LocalFlow>? displaced = null;
        lock (_lock)
        {
            if (_over) displaced = [flow];
            else
            {
                if (_flows.Count >= MaxFlows) displaced = TakeOldest();
                _flows[json] = flow;
                _sweep ??= _time.CreateTimer(static state => ((LocalDatagrams)state!).Sweep(), this, IdleLimit, Timeout.InfiniteTimeSpan);
            }
        }
        displaced?.ForEach(static f => f.Close());
        flow.Start();
        return true;
    }

    private LocalFlow Create(byte[] json, byte[]? header)
    {
        try
        {
            return new LocalFlow(this, json, _service, _datagramSize, header);
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.TooManyOpenSockets or SocketError.NoBufferSpaceAvailable)
        {
            List<LocalFlow> oldest;
            lock (_lock) oldest = TakeOldest();
            oldest.ForEach(static f => f.Close());
            return new LocalFlow(this, json, _service, _datagramSize, header);
        }
    }

    private static bool TryRead(byte[] json, [NotNullWhen(true)] out IPEndPoint? user)
    {
        user = null;
        var address = new SocketAddress(AddressFamily.InterNetworkV6);
        if (json.Length == 0 || !SocketAddressJson.TryRead(json, address)) return false;
        user = (IPEndPoint)EndPoints.Unmap(new IPEndPoint(IPAddress.IPv6Any, 0).Create(address))!;
        return true;
    }

    /// <summary>Takes those that have rested longest out of the table.</summary>
    private List<LocalFlow> TakeOldest()
    {
        var oldest = _flows.Values.OrderBy(static f => f.LastActive).Take(Math.Min(MadeRoomFor, _flows.Count)).ToList();
        foreach (var flow in oldest) _flows.Remove(flow.Address);
        return oldest;
    }

    private void Sweep()
    {
        var expired = new List<LocalFlow>();
        lock (_lock)
        {
            if (_over) return;
            long now = _time.GetTimestamp();
            var longest = TimeSpan.Zero;
            foreach (var flow in _flows.Values)
            {
                var rest = _time.GetElapsedTime(flow.LastActive, now);
                if (rest >= IdleLimit) expired.Add(flow);
                else if (rest > longest) longest = rest;
            }
            foreach (var flow in expired) _flows.Remove(flow.Address);
            if (_flows.Count == 0)
            {
                _sweep!.Dispose();
                _sweep = null;
            }
            else
            {
                var next = IdleLimit - longest;
                _sweep!.Change(next < ShortestSweep ? ShortestSweep : next, Timeout.InfiniteTimeSpan);
            }
        }
        expired.ForEach(static f => f.Close());
    }

    private void CloseAll()
    {
        List<LocalFlow> flows;
        lock (_lock)
        {
            _over = true;
            flows = [.. _flows.Values];
            _flows.Clear();
            _sweep?.Dispose();
        }
        flows.ForEach(static f => f.Close());
        _outbox.Clear();
    }

    /// <summary>Addresses as they came: two are the same user when their bytes are the same.</summary>
    private sealed class AddressBytes : IEqualityComparer<byte[]>, IAlternateEqualityComparer<ReadOnlySpan<byte>, byte[]>
    {
        internal static readonly AddressBytes Instance = new();

        public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode(byte[] obj) => GetHashCode(obj.AsSpan());

        public bool Equals(ReadOnlySpan<byte> alternate, byte[] other) => alternate.SequenceEqual(other);

        // Seeded for the process: users choose their addresses.
        public int GetHashCode(ReadOnlySpan<byte> alternate)
        {
            var hash = new HashCode();
            hash.AddBytes(alternate);
            return hash.ToHashCode();
        }

        public byte[] Create(ReadOnlySpan<byte> alternate) => alternate.ToArray();
    }
}
