using System.Text.RegularExpressions;
using Frp.TestKit;

namespace Frp.EndToEnd.Tests;

/// <summary>Who is let in by TLS and who is not, and that the log of whoever refuses says why.</summary>
public sealed partial class TlsTests : TunnelTest
{
    private readonly CertificateFolder _authority;
    private readonly CertificateFolder _other;

    public TlsTests() => (_authority, _other) = (new CertificateFolder(Work.Folder, "authority"), new CertificateFolder(Work.Folder, "other"));

    public enum Side
    {
        Client,
        Server,
    }

    [Theory]
    [InlineData("tcp")]
    [InlineData("websocket")]
    public async Task The_client_verifies_the_server(string protocol) =>
        await AssertServedAsync(Show(_authority.Issue("127.0.0.1")), [Over(protocol), Trust(_authority)]);

    [Theory]
    [InlineData("tcp")]
    [InlineData("websocket")]
    public async Task The_server_verifies_the_client(string protocol) =>
        await AssertServedAsync([Trust(_authority)], [Over(protocol), .. Show(_authority.Issue("frpc.example"))]);

    [Theory]
    [InlineData("tcp", "127.0.0.1", "")]
    [InlineData("websocket", "127.0.0.1", "")]
    [InlineData("tcp", "example.com", "transport.tls.serverName = \"example.com\"")]
    [InlineData("websocket", "example.com", "transport.tls.serverName = \"example.com\"")]
    public async Task Both_verify_each_other(string protocol, string name, string line) => await AssertServedAsync(
        [.. Show(_authority.Issue(name)), Trust(_authority)], [Over(protocol), line, .. Show(_authority.Issue("frpc.example")), Trust(_authority)]);

    public static TheoryDataRow<string, Side, string>[] Refusals =>
    [
        new("wrong name", Side.Client, "server certificate refused: certificate is not valid for invalid.com, but for 127.0.0.1"),
        new("wrong CA", Side.Client, "server certificate refused: certificate signed by unknown authority: its issuer is [CN=other], its key sha256/"),
        new("expired", Side.Client, "server certificate refused: certificate has expired: it was valid until 2022-01-01 00:00:00Z"),
        new("not yet valid", Side.Client, "server certificate refused: certificate is not valid yet: it is from 2058-01-01 00:00:00Z on, and the clock says "),
        new("self-signed", Side.Client, "server certificate refused: certificate signed by unknown authority: it is self-signed, its key sha256/"),
        new("not of the system", Side.Client, "server certificate refused: certificate signed by unknown authority: its issuer is [CN=authority]"),
        new("another key", Side.Client, "server certificate refused: its key sha256/"),
        new("the key of a wrong CA", Side.Client, "server certificate refused: certificate signed by unknown authority"),
        new("no client certificate", Side.Server, "client certificate refused: no certificate was presented"),
        new("client of a wrong CA", Side.Server, "client certificate refused: certificate signed by unknown authority: its issuer is [CN=other]"),
        new("expired client", Side.Server, "client certificate refused: certificate has expired: it was valid until 2022-01-01 00:00:00Z"),
        new("clear text", Side.Server, "clear text refused: TLS is required"),
    ];

    [Theory]
    [MemberData(nameof(Refusals))]
    public async Task A_refusal_names_its_reason(string what, Side judge, string reason)
    {
        var (serverLines, clientLines) = Lines(what);
        int port = Ports.Next();
        var server = await ServerAsync(port, serverLines);
        if (what == "the key of a wrong CA") clientLines = [.. clientLines, $"transport.tls.pinnedKey = \"{await KeyOfAsync(server)}\""];
        var client = StartClient(port, clientLines);
        await (judge == Side.Client ? client : server).WaitForTextAsync(reason);
        await client.WaitForTextAsync("connect to server error: ");
        if (what == "no client certificate") await client.WaitForTextAsync("the server asks for a certificate, and there is none: set transport.tls.certFile and keyFile");
        Assert.Equal(0, server.Output.Count("client login info"));
    }

    [Fact]
    public async Task The_systems_authorities_are_asked_when_they_are_to_be()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "the authorities are told by OpenSSL's variable");
        int port = Ports.Next();
        await using var echo = TcpService.Echo();
        var proxy = new Proxy("public", echo.Port, Ports.Next());
        await ServerAsync(port, Show(_authority.Issue("127.0.0.1")));
        var client = Work.Run("frpc", new Dictionary<string, string> { ["SSL_CERT_FILE"] = _authority.CaFile },
            "-c", Work.Write($"serverAddr = \"127.0.0.1\"\nserverPort = {port}\ntransport.tls.trustSystemCAs = true\n{proxy}"));
        await client.WaitForTextAsync(proxy.Started);
        await User.EchoOnceAsync(proxy.RemotePort);
        Assert.Equal(0, client.Output.Count("the server is not verified"));
    }

    [Theory]
    [InlineData("sha256/")]
    [InlineData("sha256//")]
    public async Task The_key_that_the_server_tells_can_be_pinned(string prefix)
    {
        int port = Ports.Next();
        await using var echo = TcpService.Echo();
        var proxy = new Proxy("pinned", echo.Port, Ports.Next());
        string key = await KeyOfAsync(await ServerAsync(port)); // generated
        var client = await ClientAsync(port, [$"transport.tls.pinnedKey = \"{prefix}{key["sha256/".Length..]}\""], proxy);
        await User.EchoOnceAsync(proxy.RemotePort);
        Assert.Equal(0, client.Output.Count("the server is not verified"));
    }

    [Fact]
    public async Task A_server_is_known_again_and_an_impostor_is_not()
    {
        int port = Ports.Next();
        await using var echo = TcpService.Echo();
        var proxy = new Proxy("known", echo.Port, Ports.Next());
        string file = Path.Combine(Work.Folder, "known");
        var server = await ServerAsync(port, Show(_authority.Issue("one.example")));
        string key = await KeyOfAsync(server);
        var client = await ClientAsync(port, [$"transport.tls.trustOnFirstUseFile = \"{file}\""], proxy);
        await client.WaitForTextAsync($"127.0.0.1:{port} is trusted from now on by its key {key}, which is kept in {file}");
        await server.KillAsync();

        var impostor = await ServerAsync(port, Show(_authority.Issue("two.example")));
        await client.WaitForTextAsync($"connect to server error: server certificate refused: the key of 127.0.0.1:{port} is now {await KeyOfAsync(impostor)}, and was {key}: if that is right, delete line 1 of \"{file}\"");
        Assert.Equal(0, impostor.Output.Count("client login info"));
        File.Delete(file); // it was right
        await client.WaitForTextAsync(proxy.Started, 2);
        await User.EchoOnceAsync(proxy.RemotePort);
    }

    [Fact]
    public async Task A_damaged_file_of_known_servers_ends_the_start()
    {
        string file = Work.Write("127.0.0.1:7000 sha256/cut\n");
        var client = Work.Run("frpc", "-c", Work.Write($"serverAddr = \"127.0.0.1\"\ntransport.tls.trustOnFirstUseFile = \"{file}\"\n"));
        Assert.Equal(1, await client.WaitForExitAsync());
        Assert.Contains($"line 1 of the file of known servers \"{file}\" is not of the form", client.Output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_client_that_verifies_nobody_says_so_once()
    {
        const string Warning = "the server is not verified, so that anybody on the way can pose as it: set transport.tls.pinnedKey";
        var blind = StartClient(Ports.Next(), []);
        var clear = StartClient(Ports.Next(), [Clear]);
        await blind.WaitForTextAsync("connect to server error: ", 2);
        await clear.WaitForTextAsync("connect to server error: ");
        Assert.Equal(1, blind.Output.Count(Warning));
        Assert.Equal(0, clear.Output.Count(Warning));
    }

    [Fact]
    public async Task Renewed_files_are_shown_on_every_port_without_a_reload()
    {
        string? openssl = ForeignPrograms.Find("openssl");
        Assert.SkipWhen(openssl is null, "openssl is not installed");
        int port = Ports.Next(), webPort = Ports.Next();
        var (cert, key, _) = _authority.Issue("one.example");
        var (newCert, newKey, _) = _authority.Issue("two.example");
        var server = await ServerAsync(port,
            [.. Show((cert, key, "")), $"webServer.port = {webPort}", $"webServer.tls.certFile = \"{cert}\"", $"webServer.tls.keyFile = \"{key}\""]);
        foreach (int one in (int[])[port, webPort]) Assert.Equal("one.example", await ShownAsync(one));
        // All were issued in one tick of the file system's clock, perhaps; a renewal is not.
        foreach (string file in (string[])[newCert, newKey]) File.SetLastWriteTimeUtc(file, TimeProvider.System.GetUtcNow().UtcDateTime - TimeSpan.FromHours(1));
        File.Move(newKey, key, overwrite: true);
        File.Move(newCert, cert, overwrite: true);
        foreach (int one in (int[])[port, webPort]) await Patience.UntilAsync(async () => await ShownAsync(one) == "two.example", () => $"port {one} shows the old certificate");
        await server.WaitForTextAsync($"{cert}, {key} changed and read again: certificate valid until ", 2);

        async Task<string> ShownAsync(int where)
        {
            await using var run = RunningProgram.Start("openssl", openssl!, ["s_client", "-connect", $"127.0.0.1:{where}"], new Dictionary<string, string>(), Work.Folder);
            await run.WaitForExitAsync();
            string subject = run.Output.ToString().Split('\n').First(line => line.StartsWith("subject=", StringComparison.Ordinal));
            return subject[(subject.LastIndexOf('=') + 1)..].Trim();
        }
    }

    private (string[] Server, string[] Client) Lines(string what) => what switch
    {
        "wrong name" => (Show(_authority.Issue("127.0.0.1")), [Trust(_authority), "transport.tls.serverName = \"invalid.com\""]),
        "wrong CA" => (Show(_other.Issue("127.0.0.1")), [Trust(_authority)]),
        "expired" => (Show(_authority.Issue("127.0.0.1", Validity.Past)), [Trust(_authority)]),
        "not yet valid" => (Show(_authority.Issue("127.0.0.1", Validity.Future)), [Trust(_authority)]),
        "self-signed" => ([], [Trust(_authority)]),
        "not of the system" => (Show(_authority.Issue("127.0.0.1")), ["transport.tls.trustSystemCAs = true"]),
        "another key" => (Show(_authority.Issue("127.0.0.1")), ["transport.tls.pinnedKey = \"sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\""]),
        "the key of a wrong CA" => (Show(_other.Issue("127.0.0.1")), [Trust(_authority)]),
        "no client certificate" => ([Trust(_authority)], []),
        "client of a wrong CA" => ([Trust(_authority)], Show(_other.Issue("frpc.example"))),
        "expired client" => ([Trust(_authority)], Show(_authority.Issue("frpc.example", Validity.Past))),
        "clear text" => (["transport.tls.force = true"], [Clear]),
        _ => throw new ArgumentOutOfRangeException(nameof(what), what, null),
    };

    private async Task AssertServedAsync(string[] serverLines, string[] clientLines)
    {
        int port = Ports.Next();
        await using var echo = TcpService.Echo();
        var proxy = new Proxy("safe", echo.Port, Ports.Next());
        await ServerAsync(port, serverLines);
        var client = await ClientAsync(port, clientLines, proxy);
        await User.EchoOnceAsync(proxy.RemotePort);
        Assert.Equal(clientLines.Any(line => line.Contains("trustedCaFile", StringComparison.Ordinal)) ? 0 : 1, client.Output.Count("the server is not verified"));
    }

    private static async Task<string> KeyOfAsync(RunningProgram server)
    {
        // A piece of output may end within the key.
        Match key = Match.Empty;
        await Patience.UntilAsync(() => (key = KeyLine().Match(server.Output.ToString())).Success, () => $"the server's key is missing in:\n{server.Output}");
        return key.Groups[1].Value;
    }

    [GeneratedRegex(@"TLS key of this server: (sha256/[A-Za-z0-9+/]{43}=)")]
    private static partial Regex KeyLine();

    private static string Over(string protocol) => $"transport.protocol = \"{protocol}\"";

    private static string[] Show((string Cert, string Key, string Both) files) => [$"transport.tls.certFile = \"{files.Cert}\"", $"transport.tls.keyFile = \"{files.Key}\""];

    private static string Trust(CertificateFolder authority) => $"transport.tls.trustedCaFile = \"{authority.CaFile}\"";
}
