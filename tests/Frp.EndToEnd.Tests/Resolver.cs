using Frp.TestKit;

namespace Frp.EndToEnd.Tests;

/// <summary>dnsmasq as a name server, and dig as its user.</summary>
internal static class Resolver
{
    /// <summary>Starts the name server; skips the test where it or its user is not installed.</summary>
    /// <returns>Its port, for TCP and UDP.</returns>
    internal static async Task<int> StartAsync(Workspace work)
    {
        string? dnsmasq = ForeignPrograms.Find("dnsmasq");
        Assert.SkipWhen(dnsmasq is null || ForeignPrograms.Find("dig") is null, "dig and dnsmasq are not installed");
        int port = Ports.Next();
        work.RunForeign(dnsmasq!, "--no-daemon", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--listen-address=127.0.0.1", "--bind-interfaces", "--user=root",
            $"--port={port}", "--address=/frp.test/192.0.2.7", "--txt-record=long.test," + string.Join(',', Enumerable.Range(0, 4).Select(i => new string((char)('a' + i), 250))));
        await Patience.UntilAsync(() => Ports.AnswersAsync(port), () => "dnsmasq does not listen");
        return port;
    }

    /// <summary>Asks for an address and for a kilobyte of text, each in one datagram.</summary>
    internal static async Task AnswersAsync(Workspace work, int port)
    {
        foreach (var (question, answer) in new[] { ("x.frp.test A", "192.0.2.7"), ("long.test TXT", new string('d', 250)) })
        {
            var asking = work.RunForeign(ForeignPrograms.Find("dig")!, ["@127.0.0.1", "-p", $"{port}", "+notcp", "+short", "+tries=10", "+bufsize=1400", .. question.Split(' ')]);
            Assert.Equal(0, await asking.WaitForExitAsync());
            Assert.Contains(answer, asking.Output.ToString(), StringComparison.Ordinal);
        }
    }
}
