using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Frp.Config.Templates;
using Frp.Proxies;

namespace Frp.Config.Tests;

/// <summary>
/// Damaged configurations of every format. FRP_FUZZ_SECONDS makes each target run for so long instead of a number of rounds;
/// FRP_FUZZ_SEED gives another sequence.
/// </summary>
public sealed class FuzzTests
{
    private const int Rounds = 3000;
    private const int MaxLength = 8192;
    // Far above what any input of this length needs, far below what would hurt.
    private const long MaxAllocation = 1L << 30;
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);
    private static readonly string[] Names = ["f", "f.toml", "f.yaml", "f.json", "f.ini"];

    private static readonly string[] Scraps =
    [
        "[common]\n", "[[proxies]]\n", "[proxies.plugin]\n", "{{", "}}", "{{ end }}", "{{ range 3 }}", "{{ if .Envs.A }}", "{{- ", " -}}", "{{/*", "*/}}", "parseNumberRange \"1-5\"", "printf \"%5d\" ", ".Envs",
        "$x := ", "$x", "(", ")", "|", "[", "]", "{", "}", ":", "=", ",", "-", "- ", "&a ", "*a", "<<: *a", "? ", "|\n", ">\n", "!!int ", "!!binary ", "---\n", "...\n", "%YAML 1.1\n", "\"", "'", "`", "\"\"\"", "'''", "\\", "\\u00", "#", ";",
        "\n", "\r\n", "\t", "  ", "\0", "\u00e9", "\uFEFF", "\u2028", "null", "true", "yes", "0x", "1e9", "-1", "99999999999999999999", "2147483647", "-2147483648", "1979-05-27", "name", "type", "tcp", "localPort", "%(a)s", "[range:x]\n", "local_port = 1-3\n", "%[1]*d", "{{ define \"t\" }}", "{{ template \"t\" . }}", "\ud83d\ude00",
    ];

    public static TheoryData<string> Targets() => ["toml", "yaml", "json", "ini", "template"];

    [Theory]
    [MemberData(nameof(Targets))]
    public void Damage_is_a_configuration_or_a_ConfigException(string target)
    {
        var seeds = Seeds(target).Select(Encoding.UTF8.GetBytes).ToList();
        var random = new Sequence(uint.Parse(Environment.GetEnvironmentVariable("FRP_FUZZ_SEED") ?? "1", CultureInfo.InvariantCulture) + (uint)target.Length * 7919);
        var seconds = int.Parse(Environment.GetEnvironmentVariable("FRP_FUZZ_SECONDS") ?? "0", CultureInfo.InvariantCulture);
        var begin = Stopwatch.GetTimestamp();
        long rounds = 0;
        do
        {
            Run(seeds, random, target);
            rounds += Rounds;
        }
        while (Stopwatch.GetElapsedTime(begin).TotalSeconds < seconds);
        TestContext.Current.TestOutputHelper?.WriteLine($"{target}: {rounds} inputs in {Stopwatch.GetElapsedTime(begin).TotalSeconds:F0} s, seed list {seeds.Count}");
    }

    // On a thread of its own, so that an input without end is found and shown.
    private static void Run(List<byte[]> seeds, Sequence random, string target)
    {
        byte[] current = [];
        Exception? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                for (var i = 0; i < Rounds; i++)
                {
                    current = Damaged(seeds, random);
                    Try(current, target, random);
                }
            }
            catch (Exception e)
            {
                failure = e;
            }
        }, maxStackSize: 1 << 20);
        thread.Start();
        if (!thread.Join(Limit))
            Assert.Fail($"no end with {Convert.ToBase64String(current)}");
        if (failure is not null)
            Assert.Fail($"{failure}\ninput: {Convert.ToBase64String(current)}\n{Encoding.UTF8.GetString(current)}");
    }

    private static void Try(byte[] content, string target, Sequence random)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        var options = new LoadOptions
        {
            Environment = name => name.Length == 1 ? "a-1,2" : null,
            EnvironmentNames = () => ["A", "B"],
            Purpose = random.Below(2) == 0 ? LoadPurpose.Run : LoadPurpose.Verify,
            Strict = random.Below(2) == 0,
        };
        var name = Names[random.Below(Names.Length)];
        try
        {
            if (target == "template") ConfigTemplate.Render(Encoding.UTF8.GetString(content), name, options, random.Below(2) == 0);
            else if (random.Below(2) == 0) ConfigLoader.LoadServer(content, name, options);
            else ConfigLoader.LoadClient(content, name, ProxyKinds.Catalog, options);
        }
        catch (ConfigException e)
        {
            if (e.Errors.Count == 0 || e.Message.Split('\n').Length != e.Errors.Count)
                throw new InvalidOperationException("a mistake is not a line", e);
        }
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        if (allocated > MaxAllocation)
            throw new InvalidOperationException($"{allocated} bytes were allocated");
    }

    private static byte[] Damaged(List<byte[]> seeds, Sequence random)
    {
        var bytes = seeds[random.Below(seeds.Count)].ToList();
        for (var n = 1 + random.Below(8); n > 0; n--)
        {
            var at = random.Below(bytes.Count + 1);
            switch (random.Below(7))
            {
                case 0 when at < bytes.Count:
                    bytes[at] = (byte)random.Below(256);
                    break;
                case 1 when at < bytes.Count:
                    bytes[at] ^= (byte)(1 << random.Below(8));
                    break;
                case 2:
                    bytes.RemoveRange(at, Math.Min(random.Below(12), bytes.Count - at));
                    break;
                case 3:
                    var other = seeds[random.Below(seeds.Count)];
                    var from = random.Below(other.Length + 1);
                    bytes.InsertRange(at, other.Skip(from).Take(random.Below(80)));
                    break;
                case 4:
                    bytes.InsertRange(at, bytes.Skip(at).Take(random.Below(60)).ToArray());
                    break;
                case 5:
                    var scrap = Encoding.UTF8.GetBytes(Scraps[random.Below(Scraps.Length)]);
                    bytes.InsertRange(at, Enumerable.Repeat(scrap, random.Below(20) == 0 ? 300 : 1).SelectMany(b => b));
                    break;
                default:
                    bytes.InsertRange(at, Encoding.UTF8.GetBytes(Scraps[random.Below(Scraps.Length)]));
                    break;
            }
            if (bytes.Count > MaxLength)
                bytes.RemoveRange(MaxLength, bytes.Count - MaxLength);
        }
        return [.. bytes];
    }

    private static IEnumerable<string> Seeds(string target)
    {
        var model = JsonNode.Parse("""
            {"serverAddr": "h", "serverPort": 7001, "auth": {"method": "token", "token": "t", "additionalScopes": ["HeartBeats"]}, "metadatas": {"a.b": "c"}, "transport": {"protocol": "kcp", "tls": {"enable": true}, "quic": {"maxIdleTimeout": 3}},
             "start": ["a"], "includes": ["./nothing-here-*.toml"], "proxies": [{"name": "a", "type": "tcp", "localPort": 22, "plugin": {"type": "static_file", "localPath": "/x"}, "transport": {"bandwidthLimit": "1MB"}}, {"name": "b", "type": "http", "subdomain": "s", "requestHeaders": {"set": {"x": "y"}}}],
             "visitors": [{"name": "v", "type": "xtcp", "serverName": "s", "bindPort": 1}]}
            """)!;
        var server = JsonNode.Parse("""
            {"bindPort": 7000, "vhostHTTPTimeout": 2147483647, "userConnTimeout": 5, "natholeAnalysisDataReserveHours": 7, "maxPortsPerClient": 2, "allowPorts": [{"start": 1, "end": 65535}, {"single": 3}], "enablePrometheus": true,
             "transport": {"tcpMuxKeepaliveInterval": 4, "tcpKeepalive": -1, "heartbeatTimeout": 9, "quic": {"keepalivePeriod": 1}, "tls": {"force": true}}, "auth": {"tokenSource": {"type": "file", "file": {"path": "p"}}},
             "webServer": {"addr": "::", "port": 7500, "tls": {"certFile": "c", "keyFile": "k"}}, "log": {"level": "trace", "maxDays": 3}, "httpPlugins": [{"name": "a", "addr": "b", "ops": ["Login"]}]}
            """)!;
        switch (target)
        {
            case "toml":
                return Enumerable.Range(0, 6).SelectMany(i => new[] { model, server }.Select(m => new TomlWriter(i).Write(m))).Append("a = [1, [2.5, 'x'], {b = \"\"\"c\nd\"\"\"}]\nd = 1979-05-27T07:32:00Z\n[[x.y]]\n[x.y.z]\nw.\"v\" = 0xFF\n");
            case "yaml":
                return Enumerable.Range(0, 6).SelectMany(i => new[] { model, server }.Select(m => new YamlWriter(i).Write(m))).Concat([.. Recorded("yaml.json", "yaml"), ".c: &c {type: tcp, localPort: 0x16}\nproxies:\n- <<: *c\n  name: a\n- <<: [*c, {name: b}]\n  transport: {useEncryption: yes}\n"]);
            case "json":
                return [model.ToJsonString(), server.ToJsonString(), "{\"a\":[1,-2.5e3,\"\\u00e9\\n\",null,true,{}]}"];
            case "ini":
                return
                [
                    "[common]\nserver_addr = 127.0.0.1\nserver_port = 7000\ntoken = \"x\"\nmeta_a = b\nstart = a, b\nprotocol = tcp\n\n[a]\ntype = tcp\nlocal_port = 22\nremote_port = 6000\nplugin = socks5\nplugin_user = u\n[range:r]\nlocal_port = 1-3\nremote_port = 4-6\n[v]\nrole = visitor\ntype = stcp\nserver_name = s\nbind_port = 1\n",
                    "[common]\nbind_port = 7000\nallow_ports = 1-2,3\ndashboard_tls_mode = true\n; note\nx = %(bind_port)s\ny = \"\"\"a\nb\"\"\"\nz = a \\\n b\n[plugin.p]\naddr = a\nops = Login\n",
                    "[common]\nserver_addr = {{ .Envs.A }}\n{{/* x */}}[a.b]\n[a]\nlocal_port = {{ len .Envs.B }}\n",
                ];
            default:
                return Recorded("templates.json", "template");
        }
    }

    private static IEnumerable<string> Recorded(string file, string key) =>
        JsonNode.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Data", file)))!["cases"]!.AsArray().Select(c => (string)c![key]!);

    // xorshift32
    private sealed class Sequence(uint seed)
    {
        private uint _state = seed | 1;

        public int Below(int bound)
        {
            _state ^= _state << 13;
            _state ^= _state >> 17;
            _state ^= _state << 5;
            return (int)(_state % (uint)Math.Max(bound, 1));
        }
    }
}
