using System.Buffers.Binary;
using Yamux;

namespace Frp.Fuzz;

/// <summary>
/// Frames of a peer. The first byte chooses our role, whether streams are read, the limit before a login, and the pieces. Either the frames alone, on one
/// thread, which is quick and shows the engine which edges are the input's; or a whole session with its loop, its queue and its readers.
/// </summary>
internal sealed class YamuxTarget(string name, bool wholeSession) : FuzzTarget
{
    private const long LimitBeforeLogin = 2048;

    public override string Name => name;

    public override IReadOnlyList<string> Sources => ["engines/Yamux/FrameHeader.cs", "engines/Yamux/FrameReader.cs", "engines/Yamux/YamuxSession.Frames.cs", "engines/Yamux/InboundFlow.cs", "engines/Yamux/ReceiveWindow.cs", "engines/Yamux/SegmentQueue.cs", "engines/Yamux/PingTracker.cs", .. wholeSession ? ["engines/Yamux/YamuxSession.cs", "engines/Yamux/YamuxSession.Lifetime.cs", "engines/Yamux/YamuxSession.Streams.cs"] : (string[])[]];

    public override int MaxLength => 8192;

    public override IReadOnlyList<string> Words =>
    [
        "\0\0\0\x01\0\0\0\x01\0\0\0\x04", "\0\0\0\0\0\0\0\x01\0\0\0\x04", "\0\x01\0\x01\0\0\0\x01\0\0\0\0", "\0\x01\0\0\0\0\0\x01\0\x04\0\0", "\0\x01\0\x04\0\0\0\x01\0\0\0\0", "\0\x01\0\x08\0\0\0\x01\0\0\0\0",
        "\0\x02\0\x01\0\0\0\0\0\0\0\x05", "\0\x02\0\x02\0\0\0\0\0\0\0\0", "\0\x03\0\0\0\0\0\0\0\0\0\0", "\0\x03\0\0\0\0\0\0\0\0\0\x01", "\0\0\0\x05\0\0\0\x03\0\0\0\x01", "\xff\xff\xff\xff",
    ];

    public override void Run(ReadOnlyMemory<byte> input)
    {
        if (input.IsEmpty) return;
        byte mode = input.Span[0];
        bool reads = (mode & 1) != 0, isClient = (mode & 2) != 0, isLimited = (mode & 4) != 0;
        int piece = 5 + mode / 8;
        input = input[1..];
        if (wholeSession)
        {
            string end = Session(new Feed(input), input, reads, isClient, isLimited);
            // With a reader, what the window allows depends on when it reads, and so on the pieces.
            string again = Session(new Feed(input, piece), input, reads, isClient, isLimited);
            if (!reads) FindException.UnlessEqual(end, again, "the session's end in pieces");
            return;
        }
        string whole = Frames(input, input.Length, reads, isClient, isLimited);
        string pieces = Frames(input, piece, reads, isClient, isLimited);
        if (!reads) FindException.UnlessEqual(whole, pieces, "the outcome in pieces");
    }

    private static string Frames(ReadOnlyMemory<byte> input, int piece, bool reads, bool isClient, bool isLimited)
    {
        var feed = new Feed(default);
        var session = new YamuxSession(feed, isClient ? YamuxRole.Client : YamuxRole.Server, OptionsFor(isLimited, new HurryingClock()));
        var reader = new FrameReader(session, feed);
        var streams = new List<YamuxStream>();
        Task<YamuxStream?>? accepting = null;
        var buffer = new byte[64];
        long delivered = 0;
        string outcome = "whole";
        int start = 0;
        try
        {
            for (int end = Math.Min(piece, input.Length); start < input.Length && session.End is null; end = Math.Min(end + piece, input.Length))
            {
                int before = start;
                session.Sending.Cork();
                try
                {
                    start += reader.Consume(input.Span[start..end]);
                }
                finally
                {
                    FindException.Unless(session.Sending.Uncork(), "replies pile up although the carrier takes all");
                }
                if (reads)
                {
                    accepting ??= session.AcceptStreamAsync().AsTask();
                    while (accepting.IsCompleted && Now.Soon(accepting, "") is { } stream)
                    {
                        streams.Add(stream);
                        accepting = session.AcceptStreamAsync().AsTask();
                    }
                    foreach (var stream in streams)
                    {
                        while (stream.QueuedReceiveBytes > 0) delivered += Now.Of(stream.ReadAsync(buffer));
                    }
                }
                if (end == input.Length && start == before) break;
            }
        }
        catch (ProtocolViolation e)
        {
            outcome = e.Message;
        }
        // What was not urgent leaves from another thread.
        Now.Soon(session.Sending.FlushAsync(), "frames are not sent although the carrier takes all");
        FindException.Unless(delivered + session.QueuedReceiveBytes <= PayloadIn(input.Span), "more was delivered than was sent");
        FindException.Unless(!isLimited || delivered + session.QueuedReceiveBytes <= LimitBeforeLogin, "more was taken than may come before a login");
        FindException.Unless(session.StreamCount <= 1 + input.Length / YamuxStream.HeaderLength, "more streams than frames");
        FindException.Unless(AreFrames(feed.Written), "what was sent is not whole frames");
        return $"{outcome} {session.StreamCount} {session.QueuedReceiveBytes} {session.End?.Text}";
    }

    private static YamuxOptions OptionsFor(bool isLimited, TimeProvider clock) => new() { TimeProvider = clock, ReceiveLimit = isLimited ? LimitBeforeLogin : long.MaxValue };

    private static string Session(Feed feed, ReadOnlyMemory<byte> input, bool reads, bool isClient, bool isLimited)
    {
        var session = new YamuxSession(feed, isClient ? YamuxRole.Client : YamuxRole.Server, OptionsFor(isLimited, StoppedClock.Instance));
        long delivered = 0;
        var reading = reads ? ReadStreamsAsync() : Task.FromResult(0);
        var running = session.RunAsync(CancellationToken.None);
        var end = Now.Soon(running, "the carrier has ended and the session has not");
        Now.Soon(reading, "the session has ended and a reader waits");
        FindException.Unless(end.Kind != YamuxEndKind.InternalError, $"an internal error: {end.Exception}");
        FindException.Unless(session.StreamCount == 0, "streams outlived their session");
        FindException.Unless(Volatile.Read(ref delivered) <= PayloadIn(input.Span), "more was delivered than was sent");
        FindException.Unless(!isLimited || delivered <= LimitBeforeLogin, "more was delivered than may come before a login");
        FindException.Unless(AreFrames(feed.Written), "what was sent is not whole frames");
        return $"{end.Kind} {end.Text} {end.GoAwayCode}";

        async Task<int> ReadStreamsAsync()
        {
            var readers = new List<Task>();
            while (await session.AcceptStreamAsync() is { } stream) readers.Add(ReadAsync(stream));
            await Task.WhenAll(readers);
            return readers.Count;
        }

        async Task ReadAsync(YamuxStream stream)
        {
            await using (stream)
            {
                var buffer = new byte[64];
                try
                {
                    int count;
                    while ((count = await stream.ReadAsync(buffer)) > 0)
                    {
                        Interlocked.Add(ref delivered, count);
                        await stream.WriteAsync(buffer.AsMemory(0, Math.Min(count, 8)));
                    }
                }
                catch (Exception e) when (e is YamuxStreamException or YamuxSessionException or ObjectDisposedException)
                {
                    // The peer's reset, or the session's end.
                }
            }
        }
    }

    // What Data frames announce, as far as it is there.
    private static long PayloadIn(ReadOnlySpan<byte> bytes)
    {
        long sum = 0;
        while (bytes.Length >= YamuxStream.HeaderLength && bytes[0] == 0 && bytes[1] <= 3)
        {
            long length = bytes[1] == 0 ? BinaryPrimitives.ReadUInt32BigEndian(bytes[8..]) : 0;
            bytes = bytes[YamuxStream.HeaderLength..];
            int here = (int)Math.Min(length, bytes.Length);
            sum += here;
            bytes = bytes[here..];
        }
        return sum;
    }

    private static bool AreFrames(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            if (bytes.Length < YamuxStream.HeaderLength || bytes[0] != 0 || bytes[1] > 3) return false;
            uint length = bytes[1] == 0 ? BinaryPrimitives.ReadUInt32BigEndian(bytes[8..]) : 0;
            bytes = bytes[YamuxStream.HeaderLength..];
            if (length > bytes.Length) return false;
            bytes = bytes[(int)length..];
        }
        return true;
    }
}
