using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Frp.TestKit;

namespace Frp.EndToEnd.Tests;

/// <summary>A server with an HTTP virtual host, clients with http proxies, and users who speak HTTP byte by byte.</summary>
public abstract class HttpTest : TunnelTest
{
    private protected int VhostPort { get; } = Ports.Next();

    /// <summary>An http proxy as a client's configuration has it.</summary>
    private protected static string Web(string name, int localPort, string domain, params string[] more) =>
        $"[[proxies]]\nname = \"{name}\"\ntype = \"http\"\nlocalPort = {localPort}\ncustomDomains = [\"{domain}\"]\n{string.Join('\n', more)}\n";

    /// <summary>Starts a server, and a client whose proxies run when this returns.</summary>
    private protected async Task<(RunningProgram Server, RunningProgram Client)> StartAsync(string[] proxies, params string[] serverLines)
    {
        int port = Ports.Next();
        var server = await ServerAsync(port, [$"vhostHTTPPort = {VhostPort}", .. serverLines]);
        var client = StartClient(port, proxies);
        await client.WaitForTextAsync("start proxy success", proxies.Length);
        return (server, client);
    }

    /// <summary>One request on a connection of its own, as it is, and its answer.</summary>
    private protected async Task<HttpAnswer> AskAsync(string request)
    {
        using var user = await User.ConnectAsync(VhostPort);
        await user.SendAsync(request);
        return await HttpAnswer.ReceiveAsync(user.Socket, request.StartsWith("HEAD", StringComparison.Ordinal));
    }

    private protected Task<HttpAnswer> GetAsync(string host, string path = "/", string headers = "") => AskAsync($"GET {path} HTTP/1.1\r\nHost: {host}\r\n{headers}\r\n");

    /// <summary>Runs curl and returns what it printed.</summary>
    private protected async Task<string> CurlAsync(params string[] arguments)
    {
        string? curl = ForeignPrograms.Find("curl");
        Assert.SkipWhen(curl is null, "curl is not installed");
        var run = Work.RunForeign(curl!, ["-sS", "--max-time", "60", .. arguments]);
        int code = await run.WaitForExitAsync();
        Assert.True(code == 0, $"curl ended with {code}: {run.Output}");
        return run.Output.ToString();
    }
}

/// <summary>An answer as it came. Texts are Latin-1.</summary>
/// <param name="Head">Status line and headers.</param>
/// <param name="Body">With the chunks' own lines, where there are any.</param>
internal sealed record HttpAnswer(string Head, string Body)
{
    internal int Status => int.Parse(Head.AsSpan(9, 3), CultureInfo.InvariantCulture);

    internal string[] All(string name) =>
        [.. Head.Split("\r\n").Where(l => l.StartsWith(name + ":", StringComparison.OrdinalIgnoreCase)).Select(l => l[(name.Length + 1)..].Trim())];

    internal static async Task<HttpAnswer> ReceiveAsync(Socket socket, bool isHead = false)
    {
        string head = await HttpService.ReceiveHeadAsync(socket).Soon();
        var answer = new HttpAnswer(head, "");
        if (isHead || answer.Status is 101 or 204 or 304 or (>= 100 and < 200)) return answer;
        if (answer.All("Content-Length") is [var length]) return answer with { Body = Encoding.Latin1.GetString(await socket.ReceiveExactlyAsync(int.Parse(length, CultureInfo.InvariantCulture)).Soon()) };
        if (answer.All("Transfer-Encoding").Length > 0) return answer with { Body = await HttpService.ReceiveUntilAsync(socket, body => body.EndsWith("\r\n\r\n", StringComparison.Ordinal)).Soon() };
        return answer with { Body = Encoding.Latin1.GetString(await socket.ReceiveToEndAsync().Soon()) };
    }
}

/// <summary>A local web service that does as it is told, and remembers what it was asked.</summary>
internal sealed class HttpService : IAsyncDisposable
{
    private readonly TcpService _service;
    private readonly Lock _lock = new();
    private readonly List<string> _heads = [];

    private HttpService(Func<string, Socket, Task<bool>> answer) => _service = TcpService.Start(socket => ServeAsync(socket, answer));

    internal int Port => _service.Port;

    internal int OpenCount => _service.OpenCount;

    /// <summary>Heads of requests, in their order.</summary>
    internal IReadOnlyList<string> Heads
    {
        get
        {
            lock (_lock) return [.. _heads];
        }
    }

    /// <summary>Answers every request with the same.</summary>
    internal static HttpService Saying(string body) => Start((_, socket) => SendAsync(socket, $"HTTP/1.1 200 OK\r\nContent-Length: {body.Length}\r\n\r\n{body}"));

    /// <summary>Answers every request with its own head.</summary>
    internal static HttpService Mirror() => Start((head, socket) => SendAsync(socket, $"HTTP/1.1 200 OK\r\nContent-Length: {head.Length}\r\n\r\n{head}"));

    /// <summary>Answers with bytes as they are.</summary>
    internal static HttpService Raw(string answer, bool thenClose = false) => Start(async (_, socket) => await SendAsync(socket, answer) && !thenClose);

    /// <summary>Starts a service.</summary>
    /// <param name="answer">Gets the head of a request, and says whether the connection goes on.</param>
    internal static HttpService Start(Func<string, Socket, Task<bool>> answer) => new(answer);

    internal static async Task<bool> SendAsync(Socket socket, string text)
    {
        await socket.SendAllAsync(Encoding.Latin1.GetBytes(text));
        return true;
    }

    internal static Task<string> ReceiveHeadAsync(Socket socket) => ReceiveUntilAsync(socket, text => text.EndsWith("\r\n\r\n", StringComparison.Ordinal));

    internal static async Task<string> ReceiveUntilAsync(Socket socket, Func<string, bool> isComplete)
    {
        // Byte by byte: what follows belongs to somebody else. The end of a head shows by its last byte.
        var text = new StringBuilder();
        var one = new byte[1];
        while (true)
        {
            if (await socket.ReceiveAsync(one.AsMemory()) == 0) throw new EndOfStreamException($"the connection ended behind \"{text}\"");
            text.Append((char)one[0]);
            if (one[0] == '\n' && text.Length >= 4 && isComplete(text.ToString(Math.Max(0, text.Length - 16), Math.Min(16, text.Length)))) return text.ToString();
        }
    }

    public ValueTask DisposeAsync() => _service.DisposeAsync();

    private async Task ServeAsync(Socket socket, Func<string, Socket, Task<bool>> answer)
    {
        while (true)
        {
            string head = await ReceiveHeadAsync(socket);
            lock (_lock) _heads.Add(head);
            if (!await answer(head, socket)) return;
        }
    }
}
