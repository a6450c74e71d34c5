using System.Net;
using System.Text;
using Frp.Proxies.Plugins;
using ProtocolViolationException = Frp.Wire.ProtocolViolationException;

namespace Frp.Proxies.Tests;

public sealed class Socks5HandshakeTests
{
    private const string Request4 = "050100 05010001 7f000001 0050", Request6 = "050100 05010004 00000000000000000000000000000001 01bb";
    private const string RequestName = "050100 05010003 09 6c6f63616c686f7374 1f90";
    private const string WithPassword = "05020002 01 0175 0170 05010001 7f000001 0050";

    private static async Task<(string Outcome, string Said)> RunAsync(string input, bool demands = false, int length = int.MaxValue)
    {
        byte[] bytes = Convert.FromHexString(input.Replace(" ", "", StringComparison.Ordinal));
        var stream = new OneByteStream(bytes.AsMemory(0, Math.Min(length, bytes.Length)));
        string outcome;
        try
        {
            var wanted = await Socks5Handshake.ReadRequestAsync(stream, demands ? (user, password) => (user, password) == ("u", "p") : null, TestContext.Current.CancellationToken);
            outcome = wanted.ToString();
        }
        catch (Exception e) when (e is ProtocolViolationException or EndOfStreamException)
        {
            outcome = e is EndOfStreamException ? "end" : e.Message;
        }
        return (outcome, Convert.ToHexStringLower(stream.Written));
    }

    [Theory]
    [InlineData(Request4, false, "127.0.0.1:80", "0500")]
    [InlineData(Request6, false, "[::1]:443", "0500")]
    [InlineData(RequestName, false, "localhost:8080", "0500")]
    [InlineData(WithPassword, true, "127.0.0.1:80", "05020100")]
    [InlineData("050100", true, "no acceptable method of authentication", "05ff")]
    [InlineData("050102", false, "no acceptable method of authentication", "05ff")]
    [InlineData("0500", false, "no acceptable method of authentication", "05ff")]
    [InlineData("050102 01 0175 0178", true, "wrong user or password", "05020101")]
    [InlineData("050102 01 00 00", true, "wrong user or password", "05020101")]
    [InlineData("050102 02 0175 0170", true, "not SOCKS 5", "0502")]
    [InlineData("040100", false, "not SOCKS 5", "")]
    [InlineData("050100 04010001", false, "not SOCKS 5", "0500")]
    [InlineData("050100 05020001 7f000001 0050", false, "command 2 is not served", "050005070001000000000000")]
    [InlineData("050100 05030001 7f000001 0050", false, "command 3 is not served", "050005070001000000000000")]
    [InlineData("050100 05010002 7f000001 0050", false, "address type 2 is not served", "050005080001000000000000")]
    [InlineData("050100 05010001 7f000001 0000", false, "no host, or no port is not served", "050005010001000000000000")]
    [InlineData("050100 05010003 00 0050", false, "no host, or no port is not served", "050005010001000000000000")]
    public async Task Requests_are_read_and_answered(string input, bool demands, string outcome, string said) => Assert.Equal((outcome, said), await RunAsync(input, demands));

    [Theory]
    [InlineData(Request4, false)]
    [InlineData(Request6, false)]
    [InlineData(RequestName, false)]
    [InlineData(WithPassword, true)]
    public async Task A_request_that_is_cut_is_none(string input, bool demands)
    {
        int whole = input.Replace(" ", "", StringComparison.Ordinal).Length / 2;
        for (int length = 0; length < whole; length++) Assert.Equal("end", (await RunAsync(input, demands, length)).Outcome);
    }

    [Fact]
    public async Task What_is_behind_a_request_is_left_alone()
    {
        var stream = new OneByteStream(Convert.FromHexString(RequestName.Replace(" ", "", StringComparison.Ordinal) + "414243"));
        await Socks5Handshake.ReadRequestAsync(stream, null, TestContext.Current.CancellationToken);
        using var rest = new StreamReader(stream, Encoding.ASCII);
        Assert.Equal("ABC", await rest.ReadToEndAsync(TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData(null, "05000001000000000000")]
    [InlineData("127.0.0.1:258", "050000017f0000010102")]
    [InlineData("[::1]:80", "05000004000000000000000000000000000000010050")]
    public async Task Replies_name_our_end(string? bound, string said)
    {
        var stream = new OneByteStream(default);
        await Socks5Handshake.ReplyAsync(stream, Socks5Reply.Succeeded, bound is null ? null : IPEndPoint.Parse(bound), TestContext.Current.CancellationToken);
        Assert.Equal(said, Convert.ToHexStringLower(stream.Written));
    }

    [Theory]
    [InlineData("a:1", null, "a:1")]
    [InlineData("a", 80, "a:80")]
    [InlineData("a", null, null)]
    [InlineData("a:0", null, null)]
    [InlineData("a:65536", null, null)]
    [InlineData("a:x", 80, null)]
    [InlineData("a:", 80, null)]
    [InlineData("a:+1", 80, null)]
    [InlineData(":1", null, null)]
    [InlineData("[::1]:1", null, "[::1]:1")]
    [InlineData("[::1]", 80, "[::1]:80")]
    [InlineData("[::1", 80, null)]
    [InlineData("::1:80", null, null)]
    [InlineData("", 80, null)]
    public void Hosts_and_ports_are_told_apart(string text, int? defaultPort, string? expected) =>
        Assert.Equal(expected, HostPort.TryParse(text, defaultPort, out var result) ? result.ToString() : null);

    /// <summary>Yields its input byte by byte.</summary>
    private sealed class OneByteStream(ReadOnlyMemory<byte> input) : MemoryStream
    {
        private readonly MemoryStream _written = new();
        private int _read;

        internal byte[] Written => _written.ToArray();

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (_read == input.Length || buffer.IsEmpty) return new(0);
            buffer.Span[0] = input.Span[_read++];
            return new(1);
        }

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            _written.Write(buffer.Span);
            return ValueTask.CompletedTask;
        }
    }
}
