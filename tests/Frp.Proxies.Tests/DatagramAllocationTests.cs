using System.Net.Sockets;
using Frp.Wire;

namespace Frp.Proxies.Tests;

/// <summary>What datagrams cost in memory once their flows exist. Alone in its process time: it counts the allocations of all threads.</summary>
[CollectionDefinition(nameof(DatagramAllocationTests), DisableParallelization = true)]
[Collection(nameof(DatagramAllocationTests))]
public sealed class DatagramAllocationTests
{
    private const int Flows = 500;
    private const int Datagrams = 100_000;
    // Sockets of the system hold some two hundred datagrams.
    private const int AtOnce = 50;

    // The runtime's own (timers, the pool's threads, buffers that the array pool rents anew) comes to some kilobytes a second, and a loop
    // that has to wait pays for the wait, which on a busy machine it does more often: 100 to 420 KB were seen. One object of the smallest
    // size for each datagram and direction would be 4.8 MB.
    private const long Allowed = 1_000_000;

    /// <summary>From one UDP socket through both ends, over TCP, to the service and back: 100,000 datagrams each way, of 500 users.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task A_datagram_costs_no_object(int version)
    {
        using var service = new EchoSocket();
        await using var tunnel = await TunnelEnds.OpenAsync(version == 1 ? V1Codec.Instance : V2Codec.Session, TimeProvider.System, service.EndPoint);
        var users = Enumerable.Range(0, Flows).Select(_ => tunnel.NewUser()).ToArray();
        Rounds(users, 10);
        Assert.Equal(Flows, tunnel.Local.FlowCount);
        long before = GC.GetTotalAllocatedBytes(precise: true);
        Rounds(users, Datagrams / Flows);
        long allocated = GC.GetTotalAllocatedBytes(precise: true) - before;
        TestContext.Current.TestOutputHelper?.WriteLine($"{allocated} bytes for {Datagrams} datagrams each way");
        Assert.InRange(allocated, 0, Allowed);
        foreach (var user in users) user.Dispose();
    }

    private static void Rounds(Socket[] users, int rounds)
    {
        Span<byte> buffer = stackalloc byte[200];
        for (int round = 0; round < rounds; round++)
        {
            for (int first = 0; first < users.Length; first += AtOnce)
            {
                for (int i = first; i < first + AtOnce; i++)
                {
                    buffer[0] = (byte)i;
                    users[i].Send(buffer);
                }
                for (int i = first; i < first + AtOnce; i++)
                {
                    if (users[i].Receive(buffer) != 200 || buffer[0] != (byte)i) throw new InvalidDataException("another user's answer");
                }
            }
        }
    }
}
