namespace Frp.Fuzz;

/// <summary>The list of targets. A new one is a class in <c>Targets</c> and a line here.</summary>
internal static class FuzzTargets
{
    internal static readonly IReadOnlyList<FuzzTarget> All =
    [
        // What strangers send to a server.
        new PrefaceTarget(),
        new WebSocketUpgradeTarget(),
        new WebSocketFramesTarget(),
        new YamuxTarget("yamux", wholeSession: false),
        new YamuxTarget("yamux-session", wholeSession: true),
        new KcpTarget(),
        new OpeningTarget(),
        new CodecTarget("v1", Wire.V1Codec.Instance),
        new CodecTarget("v2", Wire.V2Codec.Bootstrap),
        new MessageJsonTarget(),
        new HelloTarget(),
        new ClientHelloTarget(),
        new ConnectRequestTarget(),
        new HttpIdentityTarget(),
        new CredentialsTarget(),
        new PeerTextTarget(),
        // What a peer sends after its login.
        new CfbTarget(),
        new AeadTarget(),
        new SnappyTarget(),
        new PacketsTarget(),
        new ProxyHeaderTarget(),
        // What anybody sends to a client that looks for its peer.
        new DetectionPacketTarget(),
        // What users say to plug-ins of frpc.
        new Socks5HandshakeTarget(),
        // What frpc hears on its way to a server.
        new WebSocketAnswerTarget(),
        new HttpProxyTarget(),
        new Socks5Target(),
        new NtlmChallengeTarget(),
        new StunTarget(),
        // Files.
        new ConfigTarget("ini", "f.ini", ["Legacy/", "Documents/"], ["[common]\n", "[range:", "role = visitor\n", "plugin = ", "%(", "%(token)s", ")s", "\"\"\"", "`", "\\\n", "local_port = ", "1-3,5", "type = ", ";", "#", "meta_", "{{", "}}"]),
        new ConfigTarget("toml", "f.toml", ["Documents/TomlSource.cs", "Documents/TomlDate.cs", "Binding/"], ["[[proxies]]\n", "[proxies.plugin]\n", "\"\"\"", "'''", "\\", "\\u00", "0x", "1979-05-27", "T07:32:00Z", "{", "}", "[", "]", " = ", "inf", "nan", "1e9", "true", "."]),
        new ConfigTarget("yaml", "f.yaml", ["Documents/YamlSource.cs", "Documents/YamlScalars.cs", "Binding/"], ["&a ", "*a", "<<: *a\n", "? ", ": ", "- ", "|\n", ">-\n", "!!int ", "!!binary ", "---\n", "...\n", "%YAML 1.1\n", "~", "null", "yes", "0o17", ".inf", "1_000", "\n  ", "{", "}", "[", "]"]),
        new ConfigTarget("json", "f.json", ["Documents/JsonSource.cs", "Documents/GoNumber.cs", "Binding/"], ["{\"", "\":", "\"proxies\":[", "null", "true", "\\u00e9", "\\ud800", "1e99", "-0", "{", "}", "[", "]", ","]),
        new TemplateTarget(),
    ];

    /// <exception cref="ArgumentException">There is none of that name.</exception>
    internal static FuzzTarget Of(string name) => All.FirstOrDefault(t => t.Name == name) ?? throw new ArgumentException($"no target \"{name}\": see Frp.Fuzz list", nameof(name));
}
