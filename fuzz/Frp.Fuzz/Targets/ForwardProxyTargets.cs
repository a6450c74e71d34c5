using Frp.Proxies.Plugins;

namespace Frp.Fuzz;

/// <summary>What users of the plug-in socks5 ask for. The first byte chooses whether they need a password.</summary>
internal sealed class Socks5HandshakeTarget : FuzzTarget
{
    public override string Name => "socks5-request";

    public override IReadOnlyList<string> Sources => ["Frp.Proxies/Plugins/Socks5Handshake.cs"];

    public override int MaxLength => 1024;

    public override IReadOnlyList<string> Words => ["\x05\x01\0", "\x05\x02\0\x02", "\x01\x01u\x01p", "\x05\x01\0\x01\x7f\0\0\x01\0\x50", "\x05\x01\0\x03\x09localhost\0\x50", "\x05\x01\0\x04", "\x05\x02\0\x01", "\xff"];

    public override void Run(ReadOnlyMemory<byte> input)
    {
        if (input.IsEmpty) return;
        Func<string, string, bool>? admits = input.Span[0] % 2 == 0 ? null : static (user, password) => (user, password) == ("u", "p");
        Now.ForAnyPieces(input[1..], feed =>
        {
            var wanted = Now.Of(Socks5Handshake.ReadRequestAsync(feed, admits, CancellationToken.None));
            FindException.Unless(wanted is { Host.Length: > 0 and <= 255, Port: > 0 and <= 65535 }, $"no place: {wanted}");
            return $"{wanted} {feed.Rest.Length}";
        }, static e => e is ProtocolViolationException or EndOfStreamException);
    }
}
