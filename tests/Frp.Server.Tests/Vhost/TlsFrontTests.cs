using System.Net.Sockets;
using System.Text;
using CsCheck;
using Frp.Proxies;
using Frp.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace Frp.Server.Tests;

public sealed class TlsFrontTests : FrontTest
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);
    private static readonly byte[] UnrecognizedName = Convert.FromHexString("15030300020270");

    private readonly TlsFront _front;

    public TlsFrontTests() => _front = new TlsFront(Port, Ingress, Time, NullLogger.Instance);

    [Theory]
    [InlineData(int.MaxValue)]
    [InlineData(100)]
    [InlineData(1)]
    public async Task A_user_gets_to_the_proxy_of_the_name_with_every_byte(int pieceLength)
    {
        await OpenAsync(_front);
        var (a, b) = (Listen("a.test"), Listen("*.B.test"));
        byte[] hello = Hello("x.b.TEST", padding: 3000);
        using var user = await SendAsync([.. hello.Chunk(pieceLength).Select(static p => (ReadOnlyMemory<byte>)p)]);
        Assert.Equal(hello, await TakeAsync(b, hello.Length, "answer"));
        Assert.Equal("answer"u8.ToArray(), await user.ReceiveToEndAsync());
        Assert.Equal(Port, a.Port);
    }

    [Theory]
    [InlineData("nobody.test")]
    [InlineData(null)]
    public async Task A_name_that_nobody_has_is_answered_with_an_alert(string? name)
    {
        await OpenAsync(_front);
        Listen("a.test");
        using var user = await SendAsync(Hello(name));
        Assert.Equal(UnrecognizedName, await user.ReceiveAsync(UnrecognizedName.Length));
        await user.SendAsync(new byte[10_000]); // what a client may have sent before it saw the alert does not reset it
        Assert.Empty(await user.ReceiveToEndAsync());
        user.CompleteWrites();
        await UntilIdleAsync();
    }

    [Fact]
    public async Task A_client_that_does_not_heed_the_alert_is_closed()
    {
        await OpenAsync(_front);
        using var user = await SendAsync(Hello("nobody.test"));
        Assert.Equal(UnrecognizedName, await user.ReceiveToEndAsync());
        await Patience.UntilAsync(() =>
        {
            Time.Advance(TimeSpan.FromSeconds(5));
            return UntilIdleAsync().IsCompleted;
        }, () => "the connection is still open");
    }

    [Fact]
    public async Task Without_a_name_the_pattern_for_all_is_meant()
    {
        await OpenAsync(_front);
        var all = Listen("*");
        byte[] hello = Hello(null);
        using var user = await SendAsync(hello);
        Assert.Equal(hello, await TakeAsync(all, hello.Length, ""));
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")]
    [InlineData("\u0016\u0003\u0001\u0000\u0004\u0002\u0000\u0000\u0000")]
    public async Task What_is_no_ClientHello_is_closed_without_a_word(string opening)
    {
        await OpenAsync(_front);
        using var user = await SendAsync(opening);
        Assert.Empty(await user.ReceiveToEndAsync());
    }

    [Fact]
    public async Task Silence_and_half_a_hello_end_in_time_and_harm_nobody()
    {
        await OpenAsync(_front);
        var proxy = Listen("a.test");
        byte[] hello = Hello("a.test");
        using var silent = await SendAsync("");
        using var half = await SendAsync(hello.AsMemory(0, hello.Length - 1));
        using var user = await SendAsync(hello);
        Assert.Equal(hello, await TakeAsync(proxy, hello.Length, ""));
        await UntilClosedAsync(silent, Limit);
        await half.WaitForEndAsync();
    }

    [Fact]
    public async Task A_name_has_one_owner_and_is_free_as_soon_as_that_is_gone()
    {
        var first = Listen("Name.test");
        Assert.Equal("router config conflict", Assert.Throws<PeerRefusedException>(() => Listen("name.TEST")).Message);
        Assert.True(Ingress.IsClaimed(new IngressKey(IngressKind.Host, "https:name.test")));
        var gone = first.DisposeAsync();
        var second = Listen("name.TEST");
        await gone;
        await first.DisposeAsync(); // a second time changes nothing
        Assert.Null(await first.AcceptAsync(CancellationToken.None).Soon());
        Assert.Throws<PeerRefusedException>(() => Listen("name.test"));
        await second.DisposeAsync();
        Assert.False(Ingress.IsClaimed(new IngressKey(IngressKind.Host, "https:name.test")));
    }

    [Fact]
    public async Task A_name_that_another_server_holds_is_refused()
    {
        using var claim = Ingress.TryClaim(new IngressKey(IngressKind.Host, "https:name.test"), "elsewhere");
        Assert.Throws<PeerRefusedException>(() => Listen("name.test"));
        claim!.Dispose();
        await Listen("name.test").DisposeAsync();
    }

    [Fact]
    public async Task Users_whom_nobody_takes_are_closed_when_the_queue_is_full_and_when_the_proxy_goes()
    {
        const int Capacity = 128;
        await OpenAsync(_front);
        var proxy = Listen("a.test");
        var users = new List<User>();
        for (int i = 0; i < Capacity; i++)
        {
            users.Add(await SendAsync(Hello("a.test")));
            await UntilIdleAsync(); // handed on
        }
        using var surplus = await SendAsync(Hello("a.test"));
        await surplus.WaitForEndAsync();
        await proxy.DisposeAsync();
        foreach (var user in users)
        {
            await user.WaitForEndAsync();
            user.Dispose();
        }
    }

    [Fact]
    public async Task Garbage_of_any_kind_harms_nobody()
    {
        await OpenAsync(_front);
        var proxy = Listen("a.test");
        byte[] hello = Hello("a.test");
        var damaged = Gen.Select(Gen.Byte.Array[0, 600], Gen.Int[0, 600], Gen.Byte, Gen.Bool).Select((noise, at, value, isNoise) =>
        {
            if (isNoise) return noise;
            byte[] bytes = [.. hello];
            bytes[at % bytes.Length] = value;
            return bytes;
        });
        await damaged.SampleAsync(async bytes =>
        {
            try
            {
                using var user = await SendAsync(bytes);
            }
            catch (SocketException)
            {
                // Closed already.
            }
        }, iter: 200);
        // A byte that does not matter leaves the hello valid: those users come first.
        byte[] last = Hello("a.test", padding: 5000);
        using var good = await SendAsync(last);
        byte[] seen = [];
        while (!seen.AsSpan().SequenceEqual(last))
        {
            await using var connection = (await proxy.AcceptAsync(CancellationToken.None).Soon())!;
            seen = new byte[last.Length];
            await connection.Stream.ReadAtLeastAsync(seen, seen.Length, throwOnEndOfStream: false).Soon();
        }
    }

    private IUserListener Listen(string domain) => Keep(_front.Listen(domain, "proxy"));

    /// <summary>A ClientHello with as many bytes of padding.</summary>
    private static byte[] Hello(string? name, int padding = 0)
    {
        byte[] extensions = [.. name is null ? [] : Extension(0, Prefixed([0, .. Prefixed(Encoding.ASCII.GetBytes(name))])), .. Extension(21, new byte[padding])];
        byte[] body = [3, 3, .. new byte[32], 0, .. Prefixed([0x13, 0x01]), 1, 0, .. Prefixed(extensions)];
        byte[] message = [1, (byte)(body.Length >> 16), (byte)(body.Length >> 8), (byte)body.Length, .. body];
        return [22, 3, 1, .. Prefixed(message)];

        static byte[] Extension(byte type, byte[] data) => [0, type, .. Prefixed(data)];
        static byte[] Prefixed(byte[] data) => [(byte)(data.Length >> 8), (byte)data.Length, .. data];
    }
}
