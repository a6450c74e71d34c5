using System.Globalization;
using System.Security.Cryptography;
using System.Text.RegularExpressions;
using Frp.TestKit;

namespace Frp.EndToEnd.Tests;

/// <summary>nginx behind the tunnel: large files by curl, many users at once by wrk.</summary>
public sealed class NginxTests : HttpTest
{
    private const string Host = "localhost";
    private const int Users = 100;
    private const int Requests = 3000;

    [Theory]
    [InlineData("http", "--http1.1", "")]
    [InlineData("http", "--http2-prior-knowledge", $"{Proxy.Encrypted}\n{Proxy.Compressed}")]
    [InlineData("https", "--http1.1", $"{Proxy.Encrypted}\n{Proxy.Compressed}")]
    [InlineData("https", "--http2", "")]
    public async Task A_hundred_megabytes_go_up_and_come_down(string kind, string version, string layers)
    {
        string file = Path.Combine(Work.Folder, "up"), back = Path.Combine(Work.Folder, "down");
        byte[] data = RandomNumberGenerator.GetBytes(100_000_000);
        await File.WriteAllBytesAsync(file, data, TestContext.Current.CancellationToken);
        var (url, site) = await ServeAsync(kind, layers);
        string[] way = [version, "--cacert", site.Authority, "--resolve", $"{Host}:{url.Port}:127.0.0.1", $"{url}f"];
        Assert.Equal("201", await CurlAsync([.. way, "-T", file, "-o", "/dev/null", "-w", "%{http_code}"]));
        Assert.Equal("200", await CurlAsync([.. way, "-o", back, "-w", "%{http_code}"]));
        Assert.Equal(SHA256.HashData(data), SHA256.HashData(await File.ReadAllBytesAsync(back, TestContext.Current.CancellationToken)));
        Assert.Equal("206", await CurlAsync([.. way, "-r", "10-19", "-o", back, "-w", "%{http_code}"]));
        Assert.Equal(data[10..20], await File.ReadAllBytesAsync(back, TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData("http")]
    [InlineData("https")]
    public async Task A_hundred_users_in_a_hurry_get_every_answer(string kind)
    {
        string? wrk = ForeignPrograms.Find("wrk");
        Assert.SkipWhen(wrk is null, "wrk is not installed");
        var (url, site) = await ServeAsync(kind, "");
        var run = Work.RunForeign(wrk!, "--threads", "2", "--connections", $"{Users}", "--duration", "60s", "--timeout", "60s", url.AbsoluteUri);
        await Patience.UntilAsync(() => site.Served >= Requests, () => $"{site.Served} requests were served; wrk said: {run.Output}");
        // Stopped by what was done, not by the clock, it tells what it has got.
        run.Interrupt();
        Assert.Equal(0, await run.WaitForExitAsync());
        string said = run.Output.ToString();
        var count = Regex.Match(said, @"\n\s*(\d+) requests in ");
        Assert.True(count.Success, said);
        Assert.InRange(int.Parse(count.Groups[1].ValueSpan, CultureInfo.InvariantCulture), Requests - Users, int.MaxValue);
        Assert.DoesNotContain("Socket errors", said, StringComparison.Ordinal);
        Assert.DoesNotContain("Non-2xx", said, StringComparison.Ordinal);
    }

    /// <summary>Starts nginx behind a tunnel.</summary>
    /// <returns>Where users find it.</returns>
    private async Task<(Uri Url, NginxSite Site)> ServeAsync(string kind, string layers)
    {
        using var authority = new CertificateFolder(Work.Folder, "authority");
        var site = await NginxSite.StartAsync(Work, authority, Host);
        await File.WriteAllTextAsync(Path.Combine(site.Root, "index.html"), "<p>small</p>");
        int tls = Ports.Next();
        string proxy = $"[[proxies]]\nname = \"site\"\ntype = \"{kind}\"\nlocalPort = {(kind == "http" ? site.Port : site.TlsPort)}\ncustomDomains = [\"{Host}\"]\n{layers}\n";
        await StartAsync([proxy], $"vhostHTTPSPort = {tls}");
        return (new Uri($"{kind}://{Host}:{(kind == "http" ? VhostPort : tls)}/"), site);
    }
}
