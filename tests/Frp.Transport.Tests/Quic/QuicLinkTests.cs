using System.Net.Quic;
using System.Runtime.Versioning;

namespace Frp.Transport.Tests;

/// <summary>Links and their streams, where the platform's library is there.</summary>
[SupportedOSPlatform("linux")]
[SupportedOSPlatform("macos")]
[SupportedOSPlatform("windows")]
public sealed class QuicLinkTests
{
    private static readonly byte[] Word = [1, 2, 3];

    public QuicLinkTests() => Assert.SkipUnless((OperatingSystem.IsLinux() || OperatingSystem.IsMacOS() || OperatingSystem.IsWindows()) && QuicConnection.IsSupported, "libmsquic is not installed");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_stream_is_there_with_its_first_bytes_and_ends_in_one_direction()
    {
        await using var pair = await Pair.CreateAsync();
        await using var mine = await pair.Client.OpenAsync(Token);
        await mine.Stream.WriteAsync(Word, Token);
        await using var theirs = await pair.Server.AcceptAsync(Token);
        await mine.CompleteWritesAsync(Token);
        Assert.Equal(Word, await ReadAsync(theirs));
        await theirs.Stream.WriteAsync(Word, Token);
        await theirs.DisposeAsync();
        Assert.Equal(Word, await ReadAsync(mine));
        Assert.Equal(CarrierLayers.Tls, mine.Layers);
        Assert.Equal(mine.ServerCertificateHash.ToArray(), theirs.ServerCertificateHash.ToArray());
        Assert.Equal(32, mine.ServerCertificateHash.Length);
    }

    [Fact]
    public async Task An_abort_reaches_the_peer_as_an_error()
    {
        await using var pair = await Pair.CreateAsync();
        await using var mine = await pair.Client.OpenAsync(Token);
        await mine.Stream.WriteAsync(Word, Token);
        await using var theirs = await pair.Server.AcceptAsync(Token);
        await theirs.Stream.ReadExactlyAsync(new byte[3], Token);
        mine.Abort();
        await Assert.ThrowsAnyAsync<IOException>(() => theirs.Stream.ReadAsync(new byte[1], Token).AsTask());
        Assert.True(theirs.HasPeerLeft);
    }

    [Fact]
    public async Task The_last_words_of_a_peer_that_hears_no_more_are_not_lost()
    {
        await using var pair = await Pair.CreateAsync();
        await using var mine = await pair.Client.OpenAsync(Token);
        await mine.Stream.WriteAsync(Word, Token);
        var theirs = await pair.Server.AcceptAsync(Token);
        await theirs.Stream.WriteAsync(new byte[100_000], Token);
        var ending = theirs.DisposeAsync().AsTask();
        var piece = new byte[64 * 1024];
        // Many times what the stream's window takes: the peer is heard to want no more.
        for (int i = 0; i < 100; i++) await mine.Stream.WriteAsync(piece, Token);
        Assert.Equal(100_000, (await ReadAsync(mine)).Length);
        await Assert.ThrowsAnyAsync<IOException>(() => mine.Stream.WriteAsync(piece, Token).AsTask());
        await ending;
    }

    [Fact]
    public async Task The_end_of_a_link_ends_the_other_in_good_order()
    {
        await using var pair = await Pair.CreateAsync();
        var waiting = pair.Server.AcceptAsync(Token).AsTask();
        await pair.Client.DisposeAsync();
        var end = QuicLink.ReasonOf(await Assert.ThrowsAnyAsync<IOException>(() => waiting));
        Assert.Equal(CloseKind.EndOfStream, end.Kind);
        await Assert.ThrowsAnyAsync<IOException>(() => pair.Client.OpenAsync(Token).AsTask());
    }

    [Fact]
    public async Task A_closed_listener_accepts_nobody_and_links_go_on()
    {
        await using var pair = await Pair.CreateAsync();
        var waiting = pair.Listener.AcceptAsync(Assert.Null, Token).AsTask();
        await pair.Listener.DisposeAsync();
        Assert.Null(await waiting);
        await using var mine = await pair.Client.OpenAsync(Token);
        await mine.Stream.WriteAsync(Word, Token);
        await using var theirs = await pair.Server.AcceptAsync(Token);
    }

    private static async Task<byte[]> ReadAsync(Connection connection)
    {
        var all = new MemoryStream();
        await connection.Stream.CopyToAsync(all, Token);
        return all.ToArray();
    }

    private sealed record Pair(QuicBindListener Listener, QuicLink Client, QuicLink Server) : IAsyncDisposable
    {
        internal static async Task<Pair> CreateAsync()
        {
            var tls = TlsServer.Load(new TlsServerOptions(), TimeProvider.System);
            var listener = await QuicBindListener.BindAsync("127.0.0.1", 0, () => tls, new QuicSettings(), (_, why) => Assert.Fail(why), TimeProvider.System, Token);
            var accepting = listener.AcceptAsync(Assert.Null, Token).AsTask();
            var dialer = ServerDialer.Create(new ServerDialOptions { ServerAddress = "127.0.0.1", ServerPort = listener.Port, Protocol = Transports.Quic, EnableTls = false }, TimeProvider.System);
            var client = await dialer.DialLinkAsync(Token);
            return new Pair(listener, client, (await accepting)!);
        }

        public async ValueTask DisposeAsync()
        {
            await Client.DisposeAsync();
            await Server.DisposeAsync();
            await Listener.DisposeAsync();
        }
    }
}
