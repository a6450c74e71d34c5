using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Frp.Transport.Tests;

public class DnsServerResolverTests
{
    [Fact]
    public async Task The_given_server_is_asked_for_both_families()
    {
        using var server = new DnsServer(("frps.example", IPAddress.Parse("192.0.2.1")), ("frps.example", IPAddress.Parse("2001:db8::1")));
        var found = await new DnsServerResolver($"127.0.0.1:{server.Port}").ResolveAsync("frps.example", Patience.Token).Soon();
        Assert.Equal([IPAddress.Parse("192.0.2.1"), IPAddress.Parse("2001:db8::1")], found);
    }

    [Fact]
    public async Task One_family_is_enough()
    {
        using var server = new DnsServer(("frps.example", IPAddress.Parse("2001:db8::1")));
        var found = await new DnsServerResolver($"127.0.0.1:{server.Port}").ResolveAsync("frps.example", Patience.Token).Soon();
        Assert.Equal([IPAddress.Parse("2001:db8::1")], found);
    }

    [Fact]
    public async Task An_unknown_name_is_an_error_that_names_it()
    {
        using var server = new DnsServer();
        var e = await Assert.ThrowsAsync<SocketException>(() => new DnsServerResolver($"127.0.0.1:{server.Port}").ResolveAsync("nobody.example", Patience.Token).Soon());
        Assert.StartsWith($"lookup nobody.example on 127.0.0.1:{server.Port}: ", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_silent_server_is_left_at_the_caller_s_deadline()
    {
        using var silent = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        silent.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        using var cancel = new CancellationTokenSource();
        var lookup = new DnsServerResolver(silent.LocalEndPoint!.ToString()!).ResolveAsync("frps.example", cancel.Token).AsTask();
        await silent.ReceiveAsync(new byte[512], Patience.Token); // asked
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => lookup.Soon());
    }

    [Fact]
    public async Task The_dialler_uses_it()
    {
        using var server = new DnsServer(("frps.example", IPAddress.Loopback));
        await using var listener = await Peers.ListenAsync();
        var options = new ServerDialOptions { ServerAddress = "frps.example", ServerPort = listener.Port, EnableTls = false, DnsServer = $"127.0.0.1:{server.Port}" };
        await using var connection = await ServerDialer.Create(options, TimeProvider.System).DialAsync(Patience.Token).Soon();
        Assert.Equal(listener.Local, connection.Remote);
    }

    [Theory]
    [InlineData("")]
    [InlineData("1.1.1.1:x")]
    [InlineData("a b")]
    public void Nonsense_is_refused(string server) => Assert.Throws<ArgumentException>(() => new DnsServerResolver(server));

    [Theory]
    [InlineData("192.0.2.1")]
    [InlineData("192.0.2.1:5353")]
    [InlineData("2001:db8::1")]
    [InlineData("[2001:db8::1]:53")]
    [InlineData("dns.example")]
    [InlineData("dns.example:5353")]
    public void The_port_may_be_left_out(string server) => Assert.NotNull(new DnsServerResolver(server));

    // Answers A and AAAA questions from a list; anything else has no answer.
    private sealed class DnsServer : IDisposable
    {
        private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        private readonly (string Name, IPAddress Address)[] _records;
        private readonly Task _loop;

        internal DnsServer(params (string, IPAddress)[] records)
        {
            _records = records;
            _socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            _loop = ServeAsync();
        }

        internal int Port => ((IPEndPoint)_socket.LocalEndPoint!).Port;

        public void Dispose()
        {
            _socket.Dispose();
            Assert.False(_loop.IsFaulted);
        }

        private async Task ServeAsync()
        {
            var buffer = new byte[1024];
            while (true)
            {
                SocketReceiveFromResult query;
                try
                {
                    query = await _socket.ReceiveFromAsync(buffer, new IPEndPoint(IPAddress.Any, 0));
                }
                catch (Exception e) when (e is SocketException or ObjectDisposedException)
                {
                    return;
                }
                await _socket.SendToAsync(Answer(buffer.AsSpan(0, query.ReceivedBytes)), query.RemoteEndPoint);
            }
        }

        private byte[] Answer(ReadOnlySpan<byte> query)
        {
            var name = new StringBuilder();
            var at = 12;
            while (query[at] != 0)
            {
                name.Append(Encoding.ASCII.GetString(query.Slice(at + 1, query[at]))).Append('.');
                at += query[at] + 1;
            }
            var type = BinaryPrimitives.ReadUInt16BigEndian(query[(at + 1)..]);
            var question = query[12..(at + 5)];
            var found = _records.Where(r => name.ToString() == r.Name + "."
                && type == (r.Address.AddressFamily == AddressFamily.InterNetwork ? 1 : 28)).ToArray();
            var known = _records.Any(r => name.ToString() == r.Name + ".");
            var answer = new List<byte>();
            answer.AddRange(query[..2]);
            answer.AddRange([0x81, (byte)(known ? 0x80 : 0x83), 0, 1, 0, (byte)found.Length, 0, 0, 0, 0]);
            answer.AddRange(question);
            foreach (var (_, address) in found)
            {
                var bytes = address.GetAddressBytes();
                answer.AddRange([0xC0, 12, 0, (byte)type, 0, 1, 0, 0, 0, 60, 0, (byte)bytes.Length, .. bytes]);
            }
            return [.. answer];
        }
    }
}
