using System.Buffers;
using System.Runtime.ExceptionServices;
using Frp.Transport;
using Frp.Wire;

namespace Frp.Proxies;

/// <summary>Passes datagrams between a visitor and a work connection that speak different framings.</summary>
/// <remarks>
/// Datagrams pass both ways; one that is too long for the other framing is dropped. A Ping passes towards the visitor only: a proxy's
/// side of the reference breaks on one. Anything else ends both connections. What is read waits until it is written.
/// <para>Source: wire specification §14.8.</para>
/// </remarks>
internal static class PacketBridge
{
    private const int BatchLength = 32 * 1024;

    /// <summary>Passes datagrams until either end is over, and closes both connections.</summary>
    /// <param name="visitor">Ownership passes to the call.</param>
    /// <param name="visitorCodec">Its framing.</param>
    /// <param name="work">Ownership passes to the call.</param>
    /// <param name="workCodec">Its framing.</param>
    /// <param name="cancellationToken">Aborts both.</param>
    /// <returns>Why it ended.</returns>
    internal static async Task<CloseReason> RunAsync(Connection visitor, IMessageCodec visitorCodec, Connection work, IMessageCodec workCodec, CancellationToken cancellationToken)
    {
        var pair = new Pair(visitor, work);
        await using (var registration = cancellationToken.UnsafeRegister(static state => ((Pair)state!).End(new CloseReason(CloseKind.Shutdown, "stopping")), pair))
        {
            var up = PassAsync(pair, visitor.Stream, visitorCodec, work.Stream, workCodec, pings: false);
            var down = PassAsync(pair, work.Stream, workCodec, visitor.Stream, visitorCodec, pings: true);
            await up;
            await down;
        }
        await work.DisposeAsync();
        await visitor.DisposeAsync();
        if (pair.Reason is { Kind: CloseKind.Fault, Exception: { } fault }) ExceptionDispatchInfo.Throw(fault);
        return pair.Reason!;
    }

    private static async Task PassAsync(Pair pair, Stream from, IMessageCodec fromCodec, Stream to, IMessageCodec toCodec, bool pings)
    {
        try
        {
            using var reader = new PacketReader(from, fromCodec);
            while (await reader.FillAsync(CancellationToken.None)) await PassReadAsync(reader, to, toCodec, pings);
            pair.End(new CloseReason(CloseKind.EndOfStream, "end of stream"));
        }
        catch (Exception e)
        {
            pair.End(CloseReason.From(e));
        }
    }

    /// <summary>Passes on what one read has brought, with as few writes as its length allows.</summary>
    private static async ValueTask PassReadAsync(PacketReader reader, Stream to, IMessageCodec codec, bool pings)
    {
        byte[] batch = [];
        int length = 0;
        bool any = false;
        PacketKind kind;
        while ((kind = reader.TryTake(out var packet)) != PacketKind.None)
        {
            if (kind == PacketKind.Ping && !pings) continue;
            any = true;
            int room = PacketFrame.GetMaxLength(packet.Content.Length, packet.Address.Length);
            if (batch.Length - length < room)
            {
                await WriteAsync();
                batch = ArrayPool<byte>.Shared.Rent(Math.Max(room, BatchLength));
            }
            length += kind == PacketKind.Ping
                ? PacketFrame.WritePing(codec, batch.AsSpan(length))
                : PacketFrame.Write(codec, packet.Content.Span, packet.Address.Span, batch.AsSpan(length));
        }
        if (!any) return;
        await WriteAsync();
        await to.FlushAsync(CancellationToken.None);

        async ValueTask WriteAsync()
        {
            if (batch.Length == 0) return;
            await to.WriteAsync(batch.AsMemory(0, length), CancellationToken.None);
            ArrayPool<byte>.Shared.Return(batch); // not after a failure: the stream may use it still
            (batch, length) = ([], 0);
        }
    }

    private sealed class Pair(Connection a, Connection b)
    {
        private CloseReason? _reason;

        internal CloseReason? Reason => Volatile.Read(ref _reason);

        internal void End(CloseReason reason)
        {
            if (Interlocked.CompareExchange(ref _reason, reason, null) is not null) return;
            a.Abort();
            b.Abort();
        }
    }
}
