using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Yamux.Bench;

/// <summary>Streams without relays: what the engine itself can do. A stream's first byte says what the peer does with it.</summary>
internal static class StreamBench
{
    private const byte Echo = 1;
    private const byte Discard = 2;
    private const byte Source = 3;

    public static async Task ServeAsync(int port, bool tls)
    {
        await using var session = new YamuxSession(await Carrier.DialAsync(port, tls), YamuxRole.Client);
        Task running = session.RunAsync(CancellationToken.None);
        while (await session.AcceptStreamAsync(CancellationToken.None) is { } stream) _ = HandleAsync(stream);
        await running;
    }

    public static async Task RunAsync(bool tls, TimeSpan time)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        string port = ((IPEndPoint)listener.LocalEndpoint).Port.ToString(CultureInfo.InvariantCulture);
        var start = new ProcessStartInfo(Environment.ProcessPath!, tls ? ["peer", port, "--tls"] : ["peer", port]);
        using Process peer = Process.Start(start)!;
        await using (var session = new YamuxSession(await Carrier.AcceptAsync(listener, tls), YamuxRole.Server))
        {
            Task running = session.RunAsync(CancellationToken.None);
            await MeasureAsync("send x1", "MB/s", peer, time, deadline => SendAsync(session, deadline));
            await MeasureAsync("receive x1", "MB/s", peer, time, deadline => ReceiveAsync(session, deadline));
            await MeasureAsync("ping-pong x1", "/s", peer, time, deadline => PingAsync(session, 1, deadline));
            await MeasureAsync("ping-pong x64", "/s", peer, time, deadline => PingAsync(session, 64, deadline));
            await MeasureAsync("open/close x1", "/s", peer, time, deadline => OpenAsync(session, 1, deadline));
            await MeasureAsync("open/close x16", "/s", peer, time, deadline => OpenAsync(session, 16, deadline));
            session.Abort();
            await running;
        }

        await peer.WaitForExitAsync();
    }

    private static async Task HandleAsync(YamuxStream stream)
    {
        byte[] buffer = new byte[64 * 1024];
        try
        {
            int count = await stream.ReadAsync(buffer.AsMemory(0, 1));
            if (count == 0) return;
            switch (buffer[0])
            {
                case Echo:
                    while ((count = await stream.ReadAsync(buffer)) > 0) await stream.WriteAsync(buffer.AsMemory(0, count));
                    break;
                case Discard:
                    while (await stream.ReadAsync(buffer) > 0)
                    {
                    }

                    break;
                default:
                    while (true) await stream.WriteFramedAsync(buffer);
            }
        }
        catch (IOException)
        {
            // The measurement is over.
        }
        finally
        {
            await stream.DisposeAsync();
        }
    }

    private static async Task MeasureAsync(string name, string unit, Process peer, TimeSpan time, Func<long, Task<(double Amount, List<double> Micros)>> run)
    {
        TimeSpan cpu = Cpu(peer);
        long began = Stopwatch.GetTimestamp();
        var (amount, micros) = await run(began + (long)(time.TotalSeconds * Stopwatch.Frequency));
        double seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
        micros.Sort();
        string latency = micros.Count == 0 ? "" : $"  p50 {micros[micros.Count / 2],6:F0} us  p99 {micros[micros.Count * 99 / 100],6:F0} us";
        Console.WriteLine($"{name,-16}{amount / seconds,10:F0} {unit,-5}  cpu {(Cpu(peer) - cpu).TotalMicroseconds / amount,8:F1} us/{(unit == "/s" ? "op" : "MB")}{latency}");
    }

    private static TimeSpan Cpu(Process peer)
    {
        peer.Refresh();
        return peer.TotalProcessorTime + Environment.CpuUsage.TotalTime;
    }

    private static async Task<(double, List<double>)> SendAsync(YamuxSession session, long deadline)
    {
        await using YamuxStream stream = await session.OpenStreamAsync();
        await stream.WriteAsync(new byte[] { Discard });
        byte[] frame = new byte[64 * 1024];
        long total = 0;
        while (Stopwatch.GetTimestamp() < deadline)
        {
            await stream.WriteFramedAsync(frame);
            total += frame.Length - YamuxStream.HeaderLength;
        }

        return (total / 1e6, []);
    }

    private static async Task<(double, List<double>)> ReceiveAsync(YamuxSession session, long deadline)
    {
        YamuxStream stream = await session.OpenStreamAsync();
        await stream.WriteAsync(new byte[] { Source });
        byte[] buffer = new byte[64 * 1024];
        long total = 0;
        while (Stopwatch.GetTimestamp() < deadline) total += await stream.ReadAsync(buffer);
        stream.Abort();
        return (total / 1e6, []);
    }

    private static async Task<(double, List<double>)> PingAsync(YamuxSession session, int count, long deadline)
    {
        var all = await Task.WhenAll(Enumerable.Range(0, count).Select(_ => OneAsync()));
        return (all.Sum(static m => m.Count), [.. all.SelectMany(static m => m)]);

        async Task<List<double>> OneAsync()
        {
            var micros = new List<double>(1 << 16);
            byte[] buffer = new byte[64];
            await using YamuxStream stream = await session.OpenStreamAsync();
            await stream.WriteAsync(new byte[] { Echo });
            long now = Stopwatch.GetTimestamp();
            while (now < deadline)
            {
                await stream.WriteAsync(buffer);
                await stream.ReadExactlyAsync(buffer);
                long then = Stopwatch.GetTimestamp();
                micros.Add(Stopwatch.GetElapsedTime(now, then).TotalMicroseconds);
                now = then;
            }

            return micros;
        }
    }

    private static async Task<(double, List<double>)> OpenAsync(YamuxSession session, int count, long deadline)
    {
        var all = await Task.WhenAll(Enumerable.Range(0, count).Select(_ => OneAsync()));
        return (all.Sum(static m => m.Count), [.. all.SelectMany(static m => m)]);

        async Task<List<double>> OneAsync()
        {
            var micros = new List<double>(1 << 16);
            byte[] buffer = [Echo, 0];
            long now = Stopwatch.GetTimestamp();
            while (now < deadline)
            {
                await using (YamuxStream stream = await session.OpenStreamAsync())
                {
                    buffer[0] = Echo;
                    await stream.WriteAsync(buffer);
                    await stream.ReadExactlyAsync(buffer.AsMemory(0, 1));
                    await stream.CompleteWritesAsync();
                    if (await stream.ReadAsync(buffer) != 0) throw new InvalidDataException("more than was sent");
                }

                long then = Stopwatch.GetTimestamp();
                micros.Add(Stopwatch.GetElapsedTime(now, then).TotalMicroseconds);
                now = then;
            }

            return micros;
        }
    }
}
