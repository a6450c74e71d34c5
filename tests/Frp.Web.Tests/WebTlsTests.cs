using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Frp.Config;
using Frp.TestKit;

namespace Frp.Web.Tests;

/// <summary>HTTPS.</summary>
public sealed class WebTlsTests : WebTest
{
    [Fact]
    public async Task The_certificate_of_the_file_is_shown_and_can_be_another_one()
    {
        using var authority = new CertificateFolder(Folder, "authority");
        var config = With(authority.Issue("one.example"));
        var server = await StartAsync(config);
        await AnswersAsync(await SendAsync(HttpMethod.Get, At(server, "/healthz", "https")), HttpStatusCode.OK, "", null);
        Assert.Equal("CN=one.example", await SubjectAsync(server));
        server.UseIdentity(WebServer.LoadIdentity(With(authority.Issue("two.example")), TimeProvider.System)!);
        Assert.Equal("CN=two.example", await SubjectAsync(server));
    }

    [Fact]
    public async Task A_certificate_that_is_none_is_said_before_the_port_opens()
    {
        string file = Path.Combine(Folder, "nothing.pem");
        await File.WriteAllTextAsync(file, "nothing", TestContext.Current.CancellationToken);
        var config = With((file, file, file));
        config.Port = Ports.Next();
        var fault = await Assert.ThrowsAsync<ConfigException>(() => StartAsync(config));
        Assert.StartsWith("webServer.tls: ", fault.Message, StringComparison.Ordinal);
        Assert.Contains(file, fault.Message, StringComparison.Ordinal);
        Assert.False(await Ports.AnswersAsync(config.Port));
    }

    [Fact]
    public async Task Who_does_not_speak_TLS_is_refused()
    {
        using var authority = new CertificateFolder(Folder, "authority");
        var server = await StartAsync(With(authority.Issue("one.example")));
        using (var user = await User.ConnectAsync(server.LocalEndPoint!.Port))
        {
            await user.SendAsync("GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n");
            await user.WaitForEndAsync();
        }
        await Patience.UntilAsync(() => server.ConnectionCount == 0, () => "the connection still counts");
    }

    private static WebServerConfig With((string Cert, string Key, string Both) files) =>
        new() { Addr = "127.0.0.1", Tls = new WebServerTlsConfig { CertFile = files.Cert, KeyFile = files.Key } };

    private static async Task<string> SubjectAsync(WebServer server)
    {
        using var user = await User.ConnectAsync(server.LocalEndPoint!.Port);
        await using var tls = new SslStream(new System.Net.Sockets.NetworkStream(user.Socket), leaveInnerStreamOpen: true, static (_, certificate, _, _) => certificate is not null);
        await tls.AuthenticateAsClientAsync("web").Soon();
        return new X509Certificate2(tls.RemoteCertificate!).Subject;
    }
}
