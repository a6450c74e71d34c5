using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Frp.TestKit;

namespace Frp.EndToEnd.Tests;

/// <summary>Chromium without a window, with a profile of its own, for one page of one host on loopback.</summary>
/// <remarks><b>Ownership.</b> Disposing it ends the browser with all of its processes.</remarks>
internal sealed class Browser : IAsyncDisposable
{
    private readonly RunningProgram _program;

    private Browser(RunningProgram program) => _program = program;

    /// <summary>Opens a page. What it says on its console is in the test's output.</summary>
    /// <param name="work">The test's folder.</param>
    /// <param name="page">The page. Its host is 127.0.0.1; other hosts do not exist for this browser.</param>
    /// <param name="certificate">The file of a certificate that is trusted without an authority.</param>
    internal static Browser Open(Workspace work, Uri page, string certificate)
    {
        string? chromium = ForeignPrograms.Find("chromium");
        Assert.SkipWhen(chromium is null, "chromium is not installed");
        using var trusted = X509CertificateLoader.LoadCertificateFromFile(certificate);
        string key = Convert.ToBase64String(SHA256.HashData(trusted.PublicKey.ExportSubjectPublicKeyInfo()));
        string profile = Path.Combine(work.Folder, "chromium");
        Directory.CreateDirectory(profile);
        var variables = new Dictionary<string, string> { ["HOME"] = profile, ["TMPDIR"] = profile, ["XDG_RUNTIME_DIR"] = profile };
        return new Browser(work.RunForeign(chromium!, variables,
            "--headless", "--disable-gpu", "--disable-dev-shm-usage", "--enable-logging=stderr", $"--user-data-dir={profile}",
            // The page is ours, and not every machine and user may have a sandbox.
            "--no-sandbox",
            // Nothing leaves this machine, and nobody tries.
            "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-default-apps", "--disable-sync", "--disable-extensions",
            "--disable-breakpad", "--disable-features=HttpsUpgrades,MediaRouter,OptimizationHints,Translate", "--no-proxy-server",
            $"--host-resolver-rules=MAP {page.Host} 127.0.0.1, MAP * ~NOTFOUND",
            $"--ignore-certificate-errors-spki-list={key}",
            // For digests, which pages have over TLS or from a host that is as good.
            $"--unsafely-treat-insecure-origin-as-secure={page.GetLeftPart(UriPartial.Authority)}",
            page.AbsoluteUri));
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        // Its other processes go when it says so; they write into the folder until then.
        if (_program.IsRunning) _program.Terminate();
        await _program.WaitForExitAsync();
    }
}
