using System.Net.Sockets;
using Frp.TestKit;

namespace Frp.Siege;

/// <summary>What users of a tunnel have seen.</summary>
/// <param name="Rate">Answers a second.</param>
/// <param name="Errors">Connections that failed, or answers that were wrong or late.</param>
/// <param name="P50">Median, in ms.</param>
/// <param name="P99">99th percentile, in ms.</param>
internal sealed record LoadResult(double Rate, int Errors, double P50, double P99)
{
    internal static LoadResult Of(List<double> times, int errors, TimeSpan took)
    {
        times.Sort();
        return new LoadResult(times.Count / took.TotalSeconds, errors, At(0.5), At(0.99));

        double At(double share) => times.Count == 0 ? double.NaN : times[(int)(share * (times.Count - 1))];
    }
}

/// <summary>Honest users of tunnels to an echo service.</summary>
internal static class Load
{
    private const int Size = 1024;

    /// <summary>How many requests a second users get answered who ask as fast as they can.</summary>
    internal static async Task<double> CapacityAsync(int port, int users, TimeSpan duration) => (await RunAsync(port, users, double.PositiveInfinity, duration)).Rate;

    /// <summary>Users who stay, and ask so many times a second, all together, at times that do not depend on the answers.</summary>
    internal static async Task<LoadResult> RunAsync(int port, int users, double rate, TimeSpan duration)
    {
        var times = new List<double>[users];
        int errors = 0;
        long begin = TimeProvider.System.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, users).Select(UseAsync));
        return LoadResult.Of([.. times.SelectMany(t => t)], errors, TimeProvider.System.GetElapsedTime(begin));

        async Task UseAsync(int index)
        {
            var seen = times[index] = [];
            var period = double.IsInfinity(rate) ? TimeSpan.Zero : TimeSpan.FromSeconds(users / rate);
            try
            {
                using var user = await User.ConnectAsync(port);
                for (var due = period * index / users; due < duration; due += period)
                {
                    var now = TimeProvider.System.GetElapsedTime(begin);
                    if (now >= duration) return;
                    if (due > now) await Task.Delay(due - now, TimeProvider.System, CancellationToken.None);
                    long asked = TimeProvider.System.GetTimestamp();
                    await user.EchoAsync(Size);
                    seen.Add(TimeProvider.System.GetElapsedTime(asked).TotalMilliseconds);
                }
            }
            catch (Exception e) when (e is SocketException or EndOfStreamException or TimeoutException or InvalidDataException)
            {
                Console.WriteLine($"a user failed: {e.Message}");
                Interlocked.Increment(ref errors);
            }
        }
    }

    /// <summary>Users who come, ask once and go, so many a second.</summary>
    internal static async Task<LoadResult> ComersAsync(int[] ports, int rate, TimeSpan duration)
    {
        var times = new List<double>();
        var coming = new List<Task>();
        int errors = 0, come = 0;
        long begin = TimeProvider.System.GetTimestamp();
        while (TimeProvider.System.GetElapsedTime(begin) is var now && now < duration)
        {
            for (; come < rate * now.TotalSeconds; come++) coming.Add(ComeAsync(ports[come % ports.Length]));
            await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System, CancellationToken.None);
        }
        await Task.WhenAll(coming);
        return LoadResult.Of(times, errors, TimeProvider.System.GetElapsedTime(begin));

        async Task ComeAsync(int port)
        {
            long asked = TimeProvider.System.GetTimestamp();
            try
            {
                await User.EchoOnceAsync(port, Size);
                lock (times) times.Add(TimeProvider.System.GetElapsedTime(asked).TotalMilliseconds);
            }
            catch (Exception e) when (e is SocketException or EndOfStreamException or TimeoutException or InvalidDataException)
            {
                Console.WriteLine($"a user failed: {e.Message}");
                Interlocked.Increment(ref errors);
            }
        }
    }
}
