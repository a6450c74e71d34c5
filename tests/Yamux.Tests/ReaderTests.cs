using System.Security.Cryptography;
using Yamux.Tests.Net;

namespace Yamux.Tests;

/// <summary>Readers that want more, or no more, than what they waited with.</summary>
public class ReaderTests
{
    // Readers continue inside the call that brings their first bytes: what came with those has been taken by nobody yet.
    [Theory]
    [InlineData(0)]
    [InlineData(100)]
    public async Task A_reader_who_continues_finds_what_came_with_his_first_bytes(int first)
    {
        var net = new SimNet();
        await using var session = new YamuxSession(net.Server, YamuxRole.Server);
        Task running = session.RunAsync(CancellationToken.None);
        await using var peer = new RawPeer(net.Client);
        await peer.SendAsync(FrameType.WindowUpdate, FrameFlags.Syn, 1, 0);
        YamuxStream stream = (await session.AcceptStreamAsync().Soon())!;
        byte[] payload = RandomNumberGenerator.GetBytes(2000);
        byte[] all = new byte[payload.Length];
        Task<(long Left, bool IsReadable)> reading = ReadAsync();
        await peer.SendDataAsync(1, payload, FrameFlags.Fin);
        Assert.Equal((payload.Length - first, true), await reading.Soon());
        Assert.Equal(payload, all);
        Assert.Equal(0, await stream.ReadAsync(all).Soon());
        await session.DisposeAsync();
        await running.Soon();

        async Task<(long Left, bool IsReadable)> ReadAsync()
        {
            int count = await stream.ReadAsync(all.AsMemory(0, first)).ConfigureAwait(false);
            (long Left, bool IsReadable) seen = (stream.QueuedReceiveBytes, stream.IsReadable);
            await stream.ReadExactlyAsync(all.AsMemory(count)).ConfigureAwait(false);
            return seen;
        }
    }

    [Fact]
    public async Task What_came_with_the_first_bytes_of_a_reader_who_leaves_is_dropped_without_a_reset()
    {
        var net = new SimNet();
        await using var session = new YamuxSession(net.Server, YamuxRole.Server);
        Task running = session.RunAsync(CancellationToken.None);
        await using var peer = new RawPeer(net.Client);
        await peer.SendAsync(FrameType.WindowUpdate, FrameFlags.Syn, 1, 0);
        YamuxStream stream = (await session.AcceptStreamAsync().Soon())!;
        await peer.BarrierAsync();
        Task leaving = LeaveAsync();
        await peer.SendDataAsync(1, new byte[2000], FrameFlags.Fin);
        await leaving.Soon();
        Assert.Equal([FrameFlags.Fin], (await peer.BarrierAsync()).Select(static f => f.Flags));
        Assert.Equal(0, session.StreamCount);
        await session.DisposeAsync();
        await running.Soon();

        async Task LeaveAsync()
        {
            await stream.ReadExactlyAsync(new byte[100]).ConfigureAwait(false);
            await stream.DisposeAsync().ConfigureAwait(false);
        }
    }
}
