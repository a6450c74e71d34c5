// Measures the engine alone, in two processes over loopback:
//
//   Yamux.Bench run [--tls] [--seconds N]      starts a peer process, prints one line per measurement
//   Yamux.Bench server PORT [--tls] USER=TARGET…   relay end that users connect to, for an outside load tool
//   Yamux.Bench client PORT [--tls]                relay end that dials TARGET ports, for an outside load tool
//
// Publish with Native AOT for numbers worth comparing:  dotnet publish bench/Yamux.Bench -c Release
using System.Diagnostics;
using Yamux.Bench;

// As the programs do: before the first socket exists.
Environment.SetEnvironmentVariable("DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS", "1");

bool tls = args.Contains("--tls");
string[] words = [.. args.Where(static a => !a.StartsWith("--", StringComparison.Ordinal))];
switch (words.FirstOrDefault())
{
    case "run":
        int index = Array.IndexOf(args, "--seconds");
        await StreamBench.RunAsync(tls, TimeSpan.FromSeconds(index >= 0 ? double.Parse(args[index + 1]) : 2));
        return 0;
    case "peer":
        await StreamBench.ServeAsync(int.Parse(words[1]), tls);
        return 0;
    case "server":
        await RelayBench.ServeAsync(int.Parse(words[1]), tls, [.. words.Skip(2).Select(static w => w.Split('=')).Select(static p => (int.Parse(p[0]), int.Parse(p[1])))]);
        return 0;
    case "client":
        await RelayBench.DialAsync(int.Parse(words[1]), tls);
        return 0;
    default:
        Console.Error.WriteLine($"usage: {Process.GetCurrentProcess().ProcessName} run|server|client …");
        return 2;
}
