using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Frp.TestKit;

namespace Frp.EndToEnd.Tests;

/// <summary>A browser at a site behind the tunnel: Chromium decides what it asks for, in which order, and over how many connections.</summary>
public sealed class BrowserTests : HttpTest
{
    private const string Host = "site.test";
    private const int Images = 24;

    [Fact]
    public async Task A_page_does_everything_over_http()
    {
        await using var live = await LiveService.StartAsync();
        using var authority = new CertificateFolder(Work.Folder, "authority");
        var site = await NginxSite.StartAsync(Work, authority, Host);
        string expected = await FillAsync(site.Root);
        // What is alive has a proxy of its own under the same name, so one connection of the browser is for two proxies.
        await StartAsync([Web("site", site.Port, Host), Web("live", live.Port, Host, "locations = [\"/live/\"]")]);
        await JudgeAsync(live, new($"http://{Host}:{VhostPort}/"), site, $"{expected}\nprotocols: http/1.1");
        // Nobody asked nginx for what is alive, and it was asked over kept connections: a browser has six at a time.
        var served = await ServedAsync(site, "HTTP/1.1");
        Assert.DoesNotContain(served, static line => line.Contains("/live/", StringComparison.Ordinal));
        Assert.InRange(served.DistinctBy(static line => line.Split(' ')[0]).Count(), 1, Images / 2);
    }

    [Fact]
    public async Task A_page_does_everything_over_https()
    {
        await using var live = await LiveService.StartAsync();
        using var authority = new CertificateFolder(Work.Folder, "authority");
        var site = await NginxSite.StartAsync(Work, authority, Host, live.Port);
        string expected = await FillAsync(site.Root);
        int vhost = Ports.Next();
        await StartAsync([$"[[proxies]]\nname = \"site\"\ntype = \"https\"\nlocalPort = {site.TlsPort}\ncustomDomains = [\"{Host}\"]\n{Proxy.Encrypted}\n{Proxy.Compressed}\n"], $"vhostHTTPSPort = {vhost}");
        await JudgeAsync(live, new($"https://{Host}:{vhost}/"), site, $"{expected}\nprotocols: h2");
        // One connection for everything, but for the WebSocket, which has no place in it.
        var served = await ServedAsync(site, "HTTP/2.0");
        Assert.Single(served.DistinctBy(static line => line.Split(' ')[0]));
    }

    /// <summary>Opens the page and waits for what it finds.</summary>
    private async Task JudgeAsync(LiveService live, Uri page, NginxSite site, string expected)
    {
        await using var browser = Browser.Open(Work, page, site.Certificate);
        Assert.Equal(expected, await live.Verdict.Soon());
    }

    /// <summary>The log's lines of one protocol.</summary>
    private static async Task<string[]> ServedAsync(NginxSite site, string protocol)
    {
        string[] lines = [.. (await File.ReadAllLinesAsync(site.LogFile, TestContext.Current.CancellationToken)).Where(line => line.Split(' ')[1] == protocol)];
        Assert.Contains(lines, line => line.EndsWith(" 304 /text.txt", StringComparison.Ordinal));
        Assert.InRange(lines.Length, Images + 4, int.MaxValue);
        return lines;
    }

    /// <summary>Writes the site's files.</summary>
    /// <returns>What the page has to find, without the protocols.</returns>
    private static async Task<string> FillAsync(string root)
    {
        byte[] large = RandomNumberGenerator.GetBytes(5_000_000);
        string text = string.Concat(Enumerable.Range(0, 50_000).Select(static i => string.Create(CultureInfo.InvariantCulture, $"line {i}\n")));
        string images = string.Concat(Enumerable.Range(1, Images).Select(static i => $"<img src=\"/{i}.svg\">\n"));
        string data = Path.Combine(AppContext.BaseDirectory, "Data", "browser");
        var files = Enumerable.Range(1, Images).ToDictionary(static i => $"{i}.svg", static i => Encoding.UTF8.GetBytes($"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{i}\" height=\"9\"/>"));
        files.Add("large.bin", large);
        files.Add("text.txt", Encoding.UTF8.GetBytes(text));
        files.Add("index.html", Encoding.UTF8.GetBytes((await File.ReadAllTextAsync(Path.Combine(data, "index.html"))).Replace("IMAGES", images, StringComparison.Ordinal)));
        files.Add("page.js", Encoding.UTF8.GetBytes((await File.ReadAllTextAsync(Path.Combine(data, "page.js"))).Replace("EVENTS", $"{LiveService.EventCount}", StringComparison.Ordinal)));
        foreach (var (name, content) in files) await File.WriteAllBytesAsync(Path.Combine(root, name), content);
        return $"""
            images: {string.Join(' ', Enumerable.Range(1, Images))}
            download: {Convert.ToHexStringLower(SHA256.HashData(large))}
            text: {Convert.ToHexStringLower(SHA256.HashData(files["text.txt"]))}
            upload: as sent
            socket: grüße, as sent, 1000, clean
            events: {string.Join(", ", Enumerable.Range(1, LiveService.EventCount).Select(static i => $"event {i}"))}
            """;
    }
}
