using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Frp.TestKit;

namespace Frp.Siege;

/// <summary>Strangers with many addresses and bad intentions. They run until they are killed.</summary>
internal static class Attackers
{
    private const int HalfOpen = 5000;
    private const int Guesses = 200; // a second
    private const int Dawdlers = 300; // at each port

    private static readonly byte[] ClientHelloHead = [0x16, 3, 1, 0x3F, 0xF0, 1, 0, 0x3F, 0xEC, 3, 3];
    private static int _open, _refused, _guessed;

    internal static async Task RunAsync(int[] ports)
    {
        int bind = ports[0], http = ports[1], https = ports[2], connect = ports[3], web = ports[4];
        var work = new List<Task>();
        for (int i = 0; i < HalfOpen; i++) work.Add(HoldAsync(bind, Address(i / 400), []));
        for (int i = 0; i < Dawdlers; i++)
        {
            var from = Address(100 + i % 4);
            work.Add(DawdleAsync(bind, from, [0x17, .. ClientHelloHead]));
            work.Add(DawdleAsync(bind, from, "GET /~!frp HTTP/1.1\r\nHost: a\r\nX: "u8.ToArray()));
            work.Add(DawdleAsync(http, from, "GET / HTTP/1.1\r\nHost: a\r\nX: "u8.ToArray()));
            work.Add(DawdleAsync(https, from, ClientHelloHead));
            work.Add(DawdleAsync(connect, from, "CONNECT a:80 HTTP/1.1\r\nHost: a\r\nX: "u8.ToArray()));
            work.Add(DawdleAsync(web, from, "GET /api/serverinfo HTTP/1.1\r\nHost: a\r\nX: "u8.ToArray()));
        }
        work.Add(GuessAsync(bind));
        work.Add(ReportAsync());
        Console.WriteLine("begun");
        await Task.WhenAll(work);
    }

    /// <summary>Opens a connection, says what it says and nothing more, and comes again when it is sent away.</summary>
    private static async Task HoldAsync(int port, IPAddress from, byte[] begin)
    {
        while (true)
        {
            try
            {
                using var user = await User.ConnectAsync(port, from: from);
                Interlocked.Increment(ref _open);
                try
                {
                    await user.SendAsync(begin);
                    await user.Socket.ReceiveAsync(new byte[64], SocketFlags.None);
                }
                finally
                {
                    Interlocked.Decrement(ref _open);
                }
            }
            catch (Exception e) when (e is SocketException or TimeoutException)
            {
                // Sent away.
            }
            Interlocked.Increment(ref _refused);
            await PauseAsync(1);
        }
    }

    /// <summary>Says a byte a second of something that has no end.</summary>
    private static async Task DawdleAsync(int port, IPAddress from, byte[] begin)
    {
        while (true)
        {
            try
            {
                using var user = await User.ConnectAsync(port, from: from);
                await user.SendAsync(begin);
                while (true)
                {
                    await PauseAsync(1);
                    await user.SendAsync("a"u8.ToArray());
                }
            }
            catch (Exception e) when (e is SocketException or TimeoutException)
            {
                Interlocked.Increment(ref _refused);
            }
            await PauseAsync(1);
        }
    }

    /// <summary>Logs in with wrong tokens, so many times a second, from few addresses.</summary>
    private static async Task GuessAsync(int port)
    {
        long begin = TimeProvider.System.GetTimestamp();
        for (int i = 0; ; i++)
        {
            while (i >= Guesses * TimeProvider.System.GetElapsedTime(begin).TotalSeconds) await PauseAsync(0.01);
            _ = GuessOnceAsync(port, Address(200 + i % 3), i);
        }
    }

    private static async Task GuessOnceAsync(int port, IPAddress from, int number)
    {
        Interlocked.Increment(ref _guessed);
        try
        {
            using var user = await User.ConnectAsync(port, from: from);
            await user.SendAsync(RawClient.InStream(RawClient.Login(number.ToString(CultureInfo.InvariantCulture))));
            await user.WaitForEndAsync();
        }
        catch (Exception e) when (e is SocketException or TimeoutException)
        {
            // Refused, as it should be.
        }
    }

    private static async Task ReportAsync()
    {
        while (true)
        {
            await PauseAsync(10);
            Console.WriteLine($"  attackers: {Volatile.Read(ref _open)} half-open connections of {HalfOpen}, {Volatile.Read(ref _guessed)} wrong tokens, sent away {Volatile.Read(ref _refused)} times");
        }
    }

    private static Task PauseAsync(double seconds) => Task.Delay(TimeSpan.FromSeconds(seconds), TimeProvider.System, CancellationToken.None);

    private static IPAddress Address(int number) => new([127, 0, 1, (byte)(1 + number)]);
}
