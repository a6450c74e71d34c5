using System.Diagnostics;
using System.Globalization;
using Frp.TestKit;

namespace Frp.Siege;

/// <summary>What is tried, and what is reported of it.</summary>
internal static class Sieges
{
    private const string Token = "auth.token = \"right\"";
    private const int Users = 64;
    private static readonly TimeSpan Calm = TimeSpan.FromSeconds(5);

    /// <summary>Strangers attack every port of a server while a tunnel works at 30 % of its capacity.</summary>
    /// <returns>Whether what must hold held.</returns>
    internal static async Task<bool> OfStrangersAsync(TimeSpan duration)
    {
        await using var work = new Workspace();
        await using var echo = TcpService.Echo();
        int port = Ports.Next(), remote = Ports.Next(), http = Ports.Next(), https = Ports.Next(), connect = Ports.Next(), web = Ports.Next();
        var server = work.Run("frps", "-c", work.Write($"""
            bindAddr = "127.0.0.1"
            bindPort = {port}
            vhostHTTPPort = {http}
            vhostHTTPSPort = {https}
            tcpmuxHTTPConnectPort = {connect}
            webServer.port = {web}
            log.level = "error"
            {Token}
            """));
        await Patience.UntilAsync(() => Ports.AnswersAsync(port), () => "frps does not listen");
        work.Run("frpc", "-c", work.Write($"serverAddr = \"127.0.0.1\"\nserverPort = {port}\n{Token}\n{new Tunnel("healthy", echo.Port, remote)}"));
        await Patience.UntilAsync(() => User.CanEchoAsync(remote), () => "the tunnel does not work");

        double capacity = await Load.CapacityAsync(remote, Users, Calm);
        double rate = 0.3 * capacity;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"capacity with {Users} users, 1 KB there and back: {capacity:F0}/s; the load is {rate:F0}/s"));
        Console.WriteLine("                     answers/s   errors   p50 ms   p99 ms   frps MB   sockets");
        var before = await Load.RunAsync(remote, Users, rate, Calm);
        Show("before", before, server);
        int socketsBefore = server.SocketCount;
        long memoryBefore = server.ResidentBytes;
        LoadResult during;
        long most;
        // Attackers are other machines: on this one they must not take the processors from those who measure, and get what is left (SCHED_IDLE).
        using (var attackers = Process.Start(new ProcessStartInfo("chrt", ["--idle", "0", Environment.ProcessPath!, "attack", .. ((int[])[port, http, https, connect, web]).Select(p => p.ToString(CultureInfo.InvariantCulture))]) { RedirectStandardOutput = true, UseShellExecute = false })!)
        {
            await attackers.StandardOutput.ReadLineAsync(); // they have begun
            during = await Load.RunAsync(remote, Users, rate, duration);
            Show("besieged", during, server);
            most = server.ResidentBytes;
            attackers.Kill();
            Console.WriteLine(await attackers.StandardOutput.ReadToEndAsync());
            await attackers.WaitForExitAsync();
        }
        await Patience.UntilAsync(() => server.SocketCount <= socketsBefore + 8, () => $"{server.SocketCount} sockets are open, and {socketsBefore} were before");
        var after = await Load.RunAsync(remote, Users, rate, Calm);
        Show("after", after, server);
        long room = memoryBefore + (32L << 20);
        await Patience.UntilAsync(() => server.ResidentBytes <= room, () => $"frps keeps {server.ResidentBytes >> 20} MB, and had {memoryBefore >> 20}");
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"at rest                                              {server.ResidentBytes / 1e6,9:F1} {server.SocketCount,9}"));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"p99 {during.P99 / before.P99:F2} times, rate {during.Rate / before.Rate:F2} times"));
        bool holds = during.Errors == 0 && after.Errors == 0 && during.Rate > 0.9 * before.Rate && most < 512L << 20;
        Console.WriteLine(holds ? "held" : "DID NOT HOLD");
        return holds;
    }

    /// <summary>Many clients of one address, without multiplexing, and their users.</summary>
    /// <returns>Whether nobody was turned away.</returns>
    internal static async Task<bool> OfAnHonestCrowdAsync(TimeSpan duration)
    {
        const int Clients = 200;
        const int NewUsers = 500; // a second
        await using var work = new Workspace();
        await using var echo = TcpService.Echo();
        int port = Ports.Next();
        var server = work.Run("frps", "-c", work.Write($"bindAddr = \"127.0.0.1\"\nbindPort = {port}\ntransport.tcpMux = false\nlog.level = \"warn\"\n{Token}\n"));
        await Patience.UntilAsync(() => Ports.AnswersAsync(port), () => "frps does not listen");
        string folder = Directory.CreateDirectory(Path.Combine(work.Folder, "clients")).FullName;
        var remotes = new int[Clients];
        for (int i = 0; i < Clients; i++)
        {
            remotes[i] = Ports.Next();
            string text = $"serverAddr = \"127.0.0.1\"\nserverPort = {port}\ntransport.tcpMux = false\ntransport.poolCount = 5\nloginFailExit = false\nlog.level = \"warn\"\n{Token}\n{new Tunnel($"of-{i}", echo.Port, remotes[i])}";
            await File.WriteAllTextAsync(Path.Combine(folder, $"{i}.toml"), text);
        }
        var clients = work.Run("frpc", "--config-dir", folder);
        foreach (int remote in remotes) await Patience.UntilAsync(() => User.CanEchoAsync(remote), () => $"a tunnel of the crowd does not work:\n{clients.Output}");
        var result = await Load.ComersAsync(remotes, NewUsers, duration);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"honest crowd: {Clients} clients behind one address, plain mode, {result.Rate:F0} new users a second: {result.Errors} errors, p99 {result.P99:F1} ms"));
        bool refused = server.Output.ToString().Contains("refused", StringComparison.Ordinal);
        if (refused || result.Errors > 0) Console.WriteLine($"DID NOT HOLD\n{server.Output}\n{clients.Output}");
        return !refused && result.Errors == 0;
    }

    private static void Show(string when, LoadResult load, RunningProgram server) => Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
        $"{when,-18} {load.Rate,11:F0} {load.Errors,8} {load.P50,8:F2} {load.P99,8:F2} {server.ResidentBytes / 1e6,9:F1} {server.SocketCount,9}"));

    private sealed record Tunnel(string Name, int LocalPort, int RemotePort)
    {
        public override string ToString() => $"\n[[proxies]]\nname = \"{Name}\"\ntype = \"tcp\"\nlocalPort = {LocalPort}\nremotePort = {RemotePort}\n";
    }
}
