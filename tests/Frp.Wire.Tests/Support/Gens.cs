using CsCheck;

namespace Frp.Wire.Tests;

/// <summary>Arbitrary messages and divisions.</summary>
internal static class Gens
{
    internal static readonly Gen<string> Text = Gen.OneOf(
        Gen.String[Gen.Char[' ', '~'], 0, 12],
        Gen.String[Gen.Char['\u0000', '\ud7ff'], 0, 6],
        Gen.Const("\U0001f600"),
        Gen.Const(""));

    internal static readonly Gen<int> Int = Gen.OneOf(Gen.Int, Gen.Const(0), Gen.Const(int.MinValue), Gen.Const(int.MaxValue));
    internal static readonly Gen<long> Long = Gen.OneOf(Gen.Long, Gen.Const(0L), Gen.Const(long.MinValue), Gen.Const(long.MaxValue));
    internal static readonly Gen<List<string>> Texts = Text.List[0, 3];
    internal static readonly Gen<Dictionary<string, string>> Map =
        Gen.Select(Text, Text).List[0, 3].Select(l => l.DistinctBy(p => p.Item1).ToDictionary(p => p.Item1, p => p.Item2));
    internal static readonly Gen<byte[]> Bytes = Gen.Byte.Array[0, 300];
    internal static readonly Gen<int[]> Lengths = Gen.OneOf(Gen.Int[1, 40], Gen.Int[1, 3], Gen.Int[1, 70_000]).Array[1, 5];

    private static readonly Gen<UdpAddress?> Address = Gen.OneOf(
        Gen.Const((UdpAddress?)null),
        Gen.Select(Text, Gen.UShort, Text, (ip, port, zone) => (UdpAddress?)new UdpAddress { IP = ip, Port = port, Zone = zone }));

    /// <summary>Every message that has a v1 type.</summary>
    internal static readonly Gen<Message> Message = Gen.OneOf(
        Gen.Select(Text, Text, Long, Map, Int, Gen.Bool, (a, b, t, m, n, f) => (Message)new Login
        {
            Version = a, Hostname = b, Os = b, Arch = a, User = a, PrivilegeKey = b, Timestamp = t, RunId = a, ClientId = b, Metas = m,
            ClientSpec = new ClientSpec { Type = a, AlwaysAuthPass = f }, PoolCount = n,
        }),
        Gen.Select(Text, Text, Texts, (a, b, l) => (Message)new LoginResp { Version = a, RunId = b, Error = a, Features = l }),
        Gen.Select(Text, Text, Map, Texts, Int, Gen.Bool, (a, b, m, l, n, f) => (Message)new NewProxy
        {
            ProxyName = a, ProxyType = b, UseEncryption = f, UseCompression = !f, BandwidthLimit = a, BandwidthLimitMode = b, Group = a,
            GroupKey = b, Metas = m, Annotations = m, RemotePort = n, CustomDomains = l, Subdomain = a, Locations = l, HttpUser = b,
            HttpPassword = a, HostHeaderRewrite = b, Headers = m, ResponseHeaders = m, RouteByHttpUser = a, SecretKey = b, AllowUsers = l,
            Multiplexer = a,
        }),
        Gen.Select(Text, Text, Text, (a, b, c) => (Message)new NewProxyResp { ProxyName = a, RemoteAddr = b, Error = c }),
        Text.Select(a => (Message)new CloseProxy { ProxyName = a }),
        Gen.Select(Text, Text, Long, Gen.Bool, (a, b, t, f) => (Message)new NewWorkConn { RunId = a, PrivilegeKey = b, Timestamp = t, HalfClose = f }),
        Gen.Const((Message)new ReqWorkConn()),
        Gen.Select(Text, Text, Gen.UShort, Gen.UShort, Text, (a, b, p, q, e) => (Message)new StartWorkConn
        {
            ProxyName = a, SourceAddress = b, DestinationAddress = e, SourcePort = p, DestinationPort = q, Error = e,
        }),
        Gen.Select(Text, Text, Long, Gen.Bool, Gen.Bool, (a, b, t, f, g) => (Message)new NewVisitorConn
        {
            RunId = a, ProxyName = b, SignKey = a, Timestamp = t, UseEncryption = f, UseCompression = g,
        }),
        Gen.Select(Text, Text, (a, b) => (Message)new NewVisitorConnResp { ProxyName = a, Error = b }),
        Gen.Select(Text, Long, (a, t) => (Message)new Ping { PrivilegeKey = a, Timestamp = t }),
        Text.Select(a => (Message)new Pong { Error = a }),
        Gen.Select(Bytes, Address, Address, (c, l, r) => (Message)new UDPPacket { Content = c, Local = l, Remote = r }),
        Gen.Select(Text, Text, Texts, Long, Gen.Bool, (a, b, l, t, f) => (Message)new NatHoleVisitor
        {
            TransactionId = a, ProxyName = b, PreCheck = f, Protocol = a, SignKey = b, Timestamp = t, MappedAddrs = l, AssistedAddrs = l,
        }),
        Gen.Select(Text, Text, Texts, (a, b, l) => (Message)new NatHoleClient { TransactionId = a, ProxyName = b, Sid = a, MappedAddrs = l, AssistedAddrs = l }),
        Gen.Select(Text, Texts, Int, Gen.Select(Int, Int).List[0, 3], (a, l, n, p) => (Message)new NatHoleResp
        {
            TransactionId = a, Sid = a, Protocol = a, CandidateAddrs = l, AssistedAddrs = l, Error = a,
            DetectBehavior = new DetectBehavior
            {
                Role = a, Mode = n, Ttl = n, SendDelayMs = n, ReadTimeoutMs = n, SendRandomPorts = n, ListenRandomPorts = n,
                CandidatePorts = [.. p.Select(r => new PortRange { From = r.Item1, To = r.Item2 })],
            },
        }),
        Gen.Select(Text, Text, Gen.Bool, (a, b, f) => (Message)new NatHoleSid { TransactionId = a, Sid = b, Response = f, Nonce = a }),
        Gen.Select(Text, Gen.Bool, (a, f) => (Message)new NatHoleReport { Sid = a, Success = f }));

    internal static readonly Gen<Message> Hello = Gen.OneOf(
        Gen.Select(Text, Gen.Bool, Gen.Bool, Texts, Bytes, (a, f, g, l, b) => (Message)new ClientHello
        {
            Bootstrap = new HelloBootstrap { Transport = a, Tls = f, TcpMux = g },
            Capabilities = new HelloCapabilities
            {
                Message = new HelloCodecs { Codecs = l }, Crypto = new HelloCiphers { Algorithms = l, ClientRandom = b },
            },
        }),
        Gen.Select(Text, Text, Bytes, Text, (a, b, r, e) => (Message)new ServerHello
        {
            Selected = new HelloSelection { Message = new HelloCodec { Codec = a }, Crypto = new HelloCipher { Algorithm = b, ServerRandom = r } },
            Error = e,
        }));
}
