using System.Net;
using System.Net.Sockets;
using Frp.Transport;
using Microsoft.Extensions.Logging;

namespace Frp.Server;

/// <summary>Who may come in before having proved anything: bounds on connections, on their time, and on logins that fail.</summary>
/// <remarks>
/// <para>A connection is a stranger's until a login, a work connection or a visitor on it has been accepted. An address that holds such a
/// connection is known: whatever else comes from it is let in, since hundreds of honest clients may share one.</para>
/// <para><b>Full.</b> When there are too many strangers the one that has waited longest goes (<see cref="WaitingRoom"/>). When there are too many from
/// one address, its next one is refused.</para>
/// <para><b>Addresses</b> of IPv6 are counted by their /64, which is what one customer has.</para>
/// <para><b>Concurrency.</b> Any. One lock, under which nothing is called.</para>
/// </remarks>
internal sealed partial class Strangers(TimeProvider time, ILogger logger)
{
    internal const int MaxStrangers = 4096;
    internal const int MaxStrangersPerAddress = 512;

    /// <summary>What a stranger has for everything up to its acceptance: classification, TLS and the first message have 10 s each.</summary>
    internal static readonly TimeSpan StrangerTime = TimeSpan.FromSeconds(30);

    // A misconfigured client tries every 20 s at most, and is never meant. 200 wrong tokens a second are.
    private const int FailuresForgiven = 30;
    private const int MaxAddresses = 16_384;
    private static readonly TimeSpan FailureTime = TimeSpan.FromSeconds(5); // one failure is forgotten in
    private static readonly TimeSpan MaxPenalty = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private readonly WaitingRoom _room = new(MaxStrangers);
    private readonly Dictionary<IPAddress, Address> _addresses = [];

    /// <summary>Connections that have not been accepted yet.</summary>
    internal int Count => _room.Count;

    /// <summary>Lets a connection in, or not.</summary>
    /// <param name="remote">Where it comes from.</param>
    /// <param name="stopping">Ends the visit.</param>
    /// <returns>The visit, to be disposed when the connection is over; null when it must not come in.</returns>
    internal Visit? TryEnter(EndPoint? remote, CancellationToken stopping)
    {
        var key = KeyOf(remote);
        lock (_lock)
        {
            var address = _addresses.GetValueOrDefault(key);
            if (address is { Known: 0 } && (address.Strangers >= MaxStrangersPerAddress || IsPunished(address))) return null;
            if (address is null) _addresses.Add(key, address = new Address());
            address.Strangers++;
        }
        var visit = new Visit(this, key, StrangerTime, time, stopping);
        visit.Place = _room.Enter(visit.Evict);
        return visit;
    }

    /// <summary>A login from there has failed.</summary>
    internal void Failed(Visit visit)
    {
        lock (_lock)
        {
            if (!_addresses.TryGetValue(visit.Key, out var address)) return;
            address.Failures = RemainingFailures(address) + 1;
            address.LastFailure = time.GetTimestamp();
            if (address.Known > 0 || address.Failures != FailuresForgiven + 1) return;
        }
        Log.Punished(logger, visit.Key);
    }

    internal void Accept(Visit visit)
    {
        lock (_lock)
        {
            if (!visit.Place!.Leave()) return; // accepted before, or evicted
            var address = _addresses[visit.Key];
            (address.Strangers, address.Known, address.Failures) = (address.Strangers - 1, address.Known + 1, 0);
            visit.IsAccepted = true;
        }
    }

    internal void Leave(Visit visit)
    {
        visit.Place!.Dispose();
        lock (_lock)
        {
            var address = _addresses[visit.Key];
            if (visit.IsAccepted) address.Known--;
            else address.Strangers--;
            if (address is { Known: 0, Strangers: 0 } && (RemainingFailures(address) == 0 || _addresses.Count > MaxAddresses)) _addresses.Remove(visit.Key);
        }
    }

    /// <summary>Forgets addresses that nobody comes from any more. To be called from time to time.</summary>
    internal void Sweep()
    {
        lock (_lock)
        {
            foreach (var (key, address) in _addresses)
                if (address is { Known: 0, Strangers: 0 } && RemainingFailures(address) == 0) _addresses.Remove(key);
        }
    }

    internal static IPAddress KeyOf(EndPoint? remote)
    {
        if (remote is not IPEndPoint { Address: var address }) return IPAddress.None;
        if (address.IsIPv4MappedToIPv6) return address.MapToIPv4();
        if (address.AddressFamily != AddressFamily.InterNetworkV6) return address;
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out _);
        bytes[8..].Clear();
        return new IPAddress(bytes);
    }

    private int RemainingFailures(Address address) =>
        address.Failures == 0 ? 0 : Math.Max(0, address.Failures - (int)(time.GetElapsedTime(address.LastFailure) / FailureTime));

    // One second for the first failure too many, twice that for the next, up to a minute.
    private bool IsPunished(Address address)
    {
        int tooMany = address.Failures - FailuresForgiven;
        if (tooMany <= 0) return false;
        var penalty = TimeSpan.FromSeconds(Math.Min(MaxPenalty.TotalSeconds, Math.Pow(2, tooMany - 1)));
        return time.GetElapsedTime(address.LastFailure) < penalty;
    }

    private sealed class Address
    {
        internal int Strangers;
        internal int Known;
        internal int Failures;
        internal long LastFailure;
    }

    private static partial class Log
    {
        [LoggerMessage(2, LogLevel.Warning, "too many logins from [{Address}] have failed: its connections are refused for a while, as long as it holds no session")]
        internal static partial void Punished(ILogger logger, IPAddress address);
    }
}
