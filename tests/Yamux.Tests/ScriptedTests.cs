using System.Text.Json;
using Yamux.Tests.Net;

namespace Yamux.Tests;

/// <summary>What a hand-made client did to live frps, done to our session: its reactions must be those that were recorded.</summary>
public class ScriptedTests
{
    public static TheoryData<string> Cases()
    {
        using JsonDocument file = Vectors.Load("scripted.json");
        var data = new TheoryData<string>();
        foreach (JsonElement one in file.RootElement.GetProperty("cases").EnumerateArray()) data.Add(one.GetProperty("case").GetString()!);
        return data;
    }

    // The frames that we answer with, Data left out: what a stream carries is the business of those above.
    private static string[]? Expected(string name) => name switch
    {
        "login on stream 1 (SYN, empty Data, Data)" => ["WindowUpdate|Ack id=1 length=6029312"],
        "ping with value 0x01020304" => ["Ping|Ack id=0 length=16909060"],
        "unsolicited ping ACK" => ["Ping|Ack id=0 length=78"],
        "ACK piggybacked: Data|SYN carrying the Login" => ["WindowUpdate|Ack id=1 length=6029312"],
        "even stream id 2 from the client" => ["Ping|Ack id=0 length=5", "WindowUpdate|Ack id=2 length=6029312"],
        "stream id 0 SYN" => ["Ping|Ack id=0 length=5", "WindowUpdate|Ack id=0 length=6029312"],
        // Recorded as closed without a GoAway in most tries; ours arrives.
        "duplicate SYN on stream 1" => ["WindowUpdate|Ack id=1 length=6029312", "GoAway id=0 length=1", "closed"],
        "duplicate SYN on stream 1, repeated until the GoAway is seen before the close" => ["WindowUpdate|Ack id=1 length=6029312", "GoAway id=0 length=1", "closed"],
        "open then FIN, then FIN again" => ["WindowUpdate|Ack id=1 length=6029312", "GoAway id=0 length=1", "closed"],
        // The reference had not accepted the stream when FIN came, and left ACK out.
        "FIN twice with the first acknowledged by the peer FIN in between" => ["WindowUpdate|Ack id=1 length=6029312", "WindowUpdate|Fin id=1 length=0"],
        "RST of a fresh stream" => ["WindowUpdate|Ack id=1 length=6029312", "Ping|Ack id=0 length=9"],
        "RST twice" => ["WindowUpdate|Ack id=1 length=6029312", "Ping|Ack id=0 length=9"],
        "Data for an unknown stream, then ping" => ["Ping|Ack id=0 length=9"],
        "WindowUpdate for an unknown stream, then ping" => ["Ping|Ack id=0 length=9"],
        "version 1" => ["closed"],
        "type 4" => ["closed"],
        "Data longer than the granted window (7000000)" => ["WindowUpdate|Ack id=1 length=6029312", "GoAway id=0 length=1", "closed"],
        "GoAway 0 from the client, then ping" => ["Ping|Ack id=0 length=9"],
        "GoAway 0 from the client, then a new stream with a Login" => ["WindowUpdate|Ack id=1 length=6029312"],
        "GoAway 1 from the client" => ["closed"],
        "GoAway 99 from the client" => ["closed"],
        "300 SYNs at once" => null, // below: how many are reset depends on how fast they are accepted
        // Ours is stricter: a window past 2^32-1 is a violation, where the reference lets it wrap.
        "window overflow: two updates of 0xffffffff, then ping" => ["GoAway id=0 length=1", "closed"],
        "unknown flag bits 0xfff0 on ping" => ["Ping|Ack id=0 length=9"],
        _ => throw new InvalidOperationException($"no expectation for '{name}'"),
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task A_recorded_script_gets_the_recorded_reaction(string name)
    {
        if (Expected(name) is not { } expected) return;
        using JsonDocument file = Vectors.Load("scripted.json");
        JsonElement script = file.RootElement.GetProperty("cases").EnumerateArray().First(c => c.GetProperty("case").GetString() == name);
        var net = new SimNet();
        await using var session = new YamuxSession(net.Server, YamuxRole.Server);
        Task<YamuxEnd> running = session.RunAsync(CancellationToken.None);
        await using var peer = new RawPeer(net.Client);
        Task accepting = AcceptAsync(session, closeAtEnd: name.StartsWith("FIN twice", StringComparison.Ordinal));

        var seen = new List<string>();
        bool closes = expected[^1] == "closed";
        foreach (JsonElement step in script.GetProperty("events").EnumerateArray())
        {
            if (step.GetProperty("dir").GetString() != "c2s") continue;
            string hex = step.GetProperty("hex").GetString()!;
            try
            {
                await peer.SendAsync(hex);
            }
            catch (IOException) when (closes)
            {
                break; // closed already
            }

            // The client was slow enough for frps to accept between two of its frames; a barrier is our slowness.
            if (!closes) seen.AddRange((await peer.BarrierAsync()).Select(static f => f.ToString()));
            else if (hex.StartsWith("00010001", StringComparison.Ordinal) && hex.Length == 24 && hex[16..] == "005c0000") seen.Add((await ReadUnlessClosed(peer))!);
        }

        if (closes)
        {
            seen.AddRange((await peer.ReadToEndAsync()).Select(static f => f.ToString()));
            seen.Add("closed");
            await running.Soon();
        }
        else
        {
            seen.AddRange((await peer.BarrierAsync()).Select(static f => f.ToString())); // and it is alive
            Assert.Null(session.End);
        }

        Assert.Equal(expected.Order(), seen.Where(static s => s is not null && !s.StartsWith("Data", StringComparison.Ordinal)).Distinct().Order());
        await session.DisposeAsync();
        await running.Soon();
        await accepting.Soon();
    }

    [Fact]
    public async Task Of_300_SYNs_at_once_those_past_the_backlog_are_reset_and_all_are_answered()
    {
        var net = new SimNet();
        await using var session = new YamuxSession(net.Server, YamuxRole.Server);
        Task<YamuxEnd> running = session.RunAsync(CancellationToken.None);
        await using var peer = new RawPeer(net.Client);
        using JsonDocument file = Vectors.Load("scripted.json");
        JsonElement script = file.RootElement.GetProperty("cases").EnumerateArray().First(static c => c.GetProperty("case").GetString() == "300 SYNs at once");
        string hex = string.Concat(script.GetProperty("events").EnumerateArray().Where(static e => e.GetProperty("dir").GetString() == "c2s").Select(static e => e.GetProperty("hex").GetString()));

        await peer.SendAsync(hex);
        List<RawFrame> refused = await peer.BarrierAsync();
        Assert.All(refused, static f => Assert.Equal((FrameType.WindowUpdate, FrameFlags.Rst), (f.Type, f.Flags)));
        Assert.Equal(300 - 256, refused.Count);

        for (int i = 0; i < 256; i++) Assert.Equal(2u * (uint)i + 1, (await session.AcceptStreamAsync().Soon())!.Id);
        List<RawFrame> accepted = await peer.BarrierAsync();
        Assert.Equal(256, accepted.Count(static f => f.Flags == FrameFlags.Ack));
        Assert.Equal(256, session.StreamCount);
        await session.DisposeAsync();
        Assert.Equal(YamuxEndKind.LocalClose, (await running.Soon()).Kind);
    }

    [Fact]
    public async Task What_we_say_first_on_a_stream_is_what_a_live_client_says()
    {
        using JsonDocument live = Vectors.Load("live.json");
        string recorded = live.RootElement.GetProperty("c2s")[0].GetString()!;
        byte[] payload = Convert.FromHexString(recorded[48..]);
        var net = new SimNet();
        await using var session = new YamuxSession(net.Client, YamuxRole.Client);
        Task<YamuxEnd> running = session.RunAsync(CancellationToken.None);
        YamuxStream stream = await session.OpenStreamAsync();
        await stream.WriteAsync(payload);
        byte[] sent = new byte[recorded.Length / 2];
        await net.Server.ReadExactlyAsync(sent).Soon();
        Assert.Equal(recorded, Convert.ToHexStringLower(sent));
        await session.DisposeAsync();
        await running.Soon();
    }

    // As frps does it: every stream is accepted and read; whether it is closed at its end is up to what lies above.
    private static async Task AcceptAsync(YamuxSession session, bool closeAtEnd)
    {
        var readers = new List<Task>();
        while (await session.AcceptStreamAsync() is { } stream) readers.Add(ReadAsync(stream));
        await Task.WhenAll(readers);

        async Task ReadAsync(YamuxStream stream)
        {
            byte[] buffer = new byte[1024];
            try
            {
                while (await stream.ReadAsync(buffer) > 0)
                {
                }

                if (closeAtEnd) await stream.DisposeAsync();
            }
            catch (YamuxStreamException)
            {
                // The script resets streams, and ends sessions.
            }
        }
    }

    private static async Task<string?> ReadUnlessClosed(RawPeer peer) => (await peer.ReadAsync())?.ToString();
}
