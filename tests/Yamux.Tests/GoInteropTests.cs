using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Yamux.Tests.Net;

namespace Yamux.Tests;

/// <summary>The Go program, built once for all tests of the class.</summary>
public sealed class GoPeerBuild : IAsyncLifetime
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("yamux-gopeer-");

    public string Program => Path.Combine(_folder.FullName, "gopeer");

    /// <summary>Why there is no Go peer; null when there is one.</summary>
    public string? Missing { get; private set; }

    public async ValueTask InitializeAsync()
    {
        if (!Directory.Exists("/usr/share/gocode/src/github.com/hashicorp/yamux"))
        {
            Missing = "the Debian package golang-github-hashicorp-yamux-dev is not installed";
            return;
        }

        var start = new ProcessStartInfo("go", ["build", "-o", Program, Path.Combine(AppContext.BaseDirectory, "GoPeer", "main.go")]) { UseShellExecute = false, RedirectStandardError = true, WorkingDirectory = _folder.FullName };
        start.Environment["GO111MODULE"] = "off";
        start.Environment["GOPATH"] = "/usr/share/gocode";
        start.Environment["GOFLAGS"] = "";
        start.Environment["GOCACHE"] = Path.Combine(_folder.FullName, "cache");
        try
        {
            using Process go = Process.Start(start)!;
            string errors = await go.StandardError.ReadToEndAsync();
            await go.WaitForExitAsync();
            Assert.True(go.ExitCode == 0, errors);
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Missing = "the Debian package golang-go is not installed";
        }
    }

    public ValueTask DisposeAsync()
    {
        _folder.Delete(recursive: true);
        return default;
    }
}

/// <summary>Our session against the Go library's.</summary>
public class GoInteropTests(GoPeerBuild build) : IClassFixture<GoPeerBuild>
{
    private const int Bulk = 64 * 1024 * 1024;

    [Fact]
    public async Task Echo_bulk_and_half_close_on_many_streams_at_once()
    {
        await using GoPeer peer = await GoPeer.StartAsync(build, YamuxRole.Client, "server");
        Task<YamuxEnd> running = peer.Running;
        await Task.WhenAll(
            Task.WhenAll(Enumerable.Range(0, 50).Select(i => EchoAsync(peer.Session, 1000 * i + 1))),
            DiscardAsync(peer.Session),
            SourceAsync(peer.Session),
            SinkAsync(peer.Session)).WaitAsync(TimeSpan.FromSeconds(120));
        Assert.Null(peer.Session.End);
        await peer.Session.DisposeAsync();
        Assert.Equal(YamuxEndKind.LocalClose, (await running.Soon()).Kind);
    }

    [Fact]
    public async Task A_peer_that_does_not_read_stops_its_own_stream_only()
    {
        await using GoPeer peer = await GoPeer.StartAsync(build, YamuxRole.Client, "server");
        YamuxStream waiting = await peer.Session.OpenStreamAsync();
        await waiting.WriteAsync("w"u8.ToArray());
        Task flood = waiting.WriteAsync(new byte[Bulk]).AsTask();
        await EchoAsync(peer.Session, 100_000);
        await DiscardAsync(peer.Session);
        Assert.False(flood.IsCompleted);
        waiting.Abort();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => flood.Soon());
        await EchoAsync(peer.Session, 100_000);
        Assert.Null(peer.Session.End);
    }

    [Fact]
    public async Task A_reader_of_ours_that_stalls_stops_its_own_stream_only()
    {
        await using GoPeer peer = await GoPeer.StartAsync(build, YamuxRole.Client, "server");
        YamuxStream stalled = await AskAsync(peer.Session, Bulk);
        await stalled.ReadAsync(Memory<byte>.Empty).Soon();
        for (int i = 0; i < 10; i++) await EchoAsync(peer.Session, 100_000);
        Assert.InRange(stalled.QueuedReceiveBytes, 1, 6 * 1024 * 1024);
        Assert.Equal(Bulk, (await stalled.ReadAllAsync()).Length);
        await stalled.DisposeAsync();
    }

    [Fact]
    public async Task Streams_that_are_opened_and_closed_at_once_by_either_side_leave_nothing_behind()
    {
        await using GoPeer peer = await GoPeer.StartAsync(build, YamuxRole.Client, "server");
        for (int i = 0; i < 300; i++)
        {
            YamuxStream stream = await peer.Session.OpenStreamAsync().Soon();
            if (i % 3 != 0) await stream.WriteAsync("x"u8.ToArray());
            if (i % 3 == 1) Assert.Empty(await stream.ReadAllAsync());
            await stream.DisposeAsync();
        }

        await EchoAsync(peer.Session, 10);
        // The peer finishes its halves in its own time; each finish arrives here as the end of a stream's memory.
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (peer.Session.StreamCount > 0)
        {
            await EchoAsync(peer.Session, 10);
            deadline.Token.ThrowIfCancellationRequested();
        }
    }

    [Fact]
    public async Task Keepalives_of_both_sides_are_answered()
    {
        await using GoPeer peer = await GoPeer.StartAsync(build, YamuxRole.Client, "server", new YamuxOptions { KeepAliveInterval = TimeSpan.FromMilliseconds(50), KeepAliveTimeout = TimeSpan.FromSeconds(30) });
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (peer.Session.RoundTripTime is null)
        {
            await EchoAsync(peer.Session, 10);
            deadline.Token.ThrowIfCancellationRequested();
        }

        await EchoAsync(peer.Session, 10_000);
    }

    [Fact]
    public async Task A_go_client_opens_more_streams_than_the_backlog_and_all_are_served()
    {
        await using GoPeer peer = await GoPeer.StartAsync(build, YamuxRole.Server, "client", null, "600");
        Task serving = ServeAsync();
        Assert.Equal("done", await peer.Output.ReadLineAsync().Soon());
        // It closes with our last frames unread, which TCP may report as a reset.
        Assert.Contains((await peer.Running.Soon()).Kind, new[] { YamuxEndKind.RemoteClose, YamuxEndKind.CarrierError });
        await serving.Soon();

        async Task ServeAsync()
        {
            var streams = new List<Task>();
            while (await peer.Session.AcceptStreamAsync() is { } stream) streams.Add(EchoBackAsync(stream));
            await Task.WhenAll(streams);
        }

        static async Task EchoBackAsync(YamuxStream stream)
        {
            await using (stream)
            {
                byte[] buffer = new byte[100];
                try
                {
                    while (await stream.ReadAsync(buffer) is var count and > 0) await stream.WriteAsync(buffer.AsMemory(0, count));
                }
                catch (YamuxStreamException)
                {
                    // The client closes its session behind the last answer.
                }
            }
        }
    }

    private static async Task EchoAsync(YamuxSession session, int length)
    {
        await using YamuxStream stream = await session.OpenStreamAsync().Soon();
        byte[] payload = new byte[length];
        new Random(length).NextBytes(payload);
        await stream.WriteAsync("e"u8.ToArray());
        await stream.WriteAsync(payload).Soon();
        await stream.CompleteWritesAsync();
        Assert.Equal(payload, await stream.ReadAllAsync());
    }

    private static async Task DiscardAsync(YamuxSession session)
    {
        await using YamuxStream stream = await session.OpenStreamAsync().Soon();
        await stream.WriteAsync("d"u8.ToArray());
        byte[] frame = new byte[YamuxStream.HeaderLength + 1024 * 1024];
        for (int i = 0; i < Bulk / (1024 * 1024); i++) await stream.WriteFramedAsync(frame).Soon();
        await stream.CompleteWritesAsync();
        Assert.Equal((ulong)Bulk, BinaryPrimitives.ReadUInt64BigEndian(await stream.ReadAllAsync()));
    }

    private static async Task SourceAsync(YamuxSession session)
    {
        await using YamuxStream stream = await AskAsync(session, Bulk);
        byte[] all = await stream.ReadAllAsync();
        Assert.Equal(Bulk, all.Length);
        for (int i = 0; i < all.Length; i++)
        {
            if (all[i] != (byte)i) Assert.Fail($"byte {i} is {all[i]}");
        }
    }

    private static async Task SinkAsync(YamuxSession session)
    {
        await using YamuxStream stream = await AskAsync(session, 3_000_000);
        var sink = new CollectingSink();
        stream.SetSink(sink);
        Assert.Equal(YamuxStreamEnd.Finished, await sink.End.Soon());
        Assert.Equal(3_000_000, sink.Count);
    }

    private static async Task<YamuxStream> AskAsync(YamuxSession session, int length)
    {
        YamuxStream stream = await session.OpenStreamAsync().Soon();
        byte[] command = new byte[9];
        command[0] = (byte)'s';
        BinaryPrimitives.WriteUInt64BigEndian(command.AsSpan(1), (ulong)length);
        await stream.WriteAsync(command);
        return stream;
    }

    private sealed class GoPeer(Process process, YamuxSession session, Task<YamuxEnd> running) : IAsyncDisposable
    {
        public YamuxSession Session => session;

        public Task<YamuxEnd> Running => running;

        public StreamReader Output => process.StandardOutput;

        public static async Task<GoPeer> StartAsync(GoPeerBuild build, YamuxRole role, string mode, YamuxOptions? options = null, params string[] more)
        {
            Assert.SkipWhen(build.Missing is not null, build.Missing ?? "");
            var process = Process.Start(new ProcessStartInfo(build.Program, [mode, .. more]) { UseShellExecute = false, RedirectStandardOutput = true })!;
            string? port = await process.StandardOutput.ReadLineAsync().Soon();
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            await socket.ConnectAsync(IPAddress.Loopback, int.Parse(port!, CultureInfo.InvariantCulture));
            var session = new YamuxSession(new NetworkStream(socket, ownsSocket: true), role, options);
            return new GoPeer(process, session, session.RunAsync(CancellationToken.None));
        }

        public async ValueTask DisposeAsync()
        {
            await session.DisposeAsync().Soon();
            await running.Soon();
            process.Kill();
            await process.WaitForExitAsync().Soon();
            process.Dispose();
        }
    }
}
