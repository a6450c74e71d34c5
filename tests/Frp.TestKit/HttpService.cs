using System.Net.Sockets;
using System.Text;

namespace Frp.TestKit;

/// <summary>A local web service that does as it is told, and remembers what it was asked.</summary>
public sealed class HttpService : IAsyncDisposable
{
    private readonly TcpService _service;
    private readonly Lock _lock = new();
    private readonly List<string> _heads = [];

    private HttpService(Func<string, Socket, Task<bool>> answer) => _service = TcpService.Start(socket => ServeAsync(socket, answer));

    /// <summary>Where it is.</summary>
    public int Port => _service.Port;

    /// <summary>Connections that are open now.</summary>
    public int OpenCount => _service.OpenCount;

    /// <summary>Heads of requests, in their order.</summary>
    public IReadOnlyList<string> Heads
    {
        get
        {
            lock (_lock) return [.. _heads];
        }
    }

    /// <summary>Answers every request with the same.</summary>
    public static HttpService Saying(string body) => Start((_, socket) => SendAsync(socket, $"HTTP/1.1 200 OK\r\nContent-Length: {body.Length}\r\n\r\n{body}"));

    /// <summary>Answers every request with its own head.</summary>
    public static HttpService Mirror() => Start((head, socket) => SendAsync(socket, $"HTTP/1.1 200 OK\r\nContent-Length: {head.Length}\r\n\r\n{head}"));

    /// <summary>Answers with bytes as they are.</summary>
    public static HttpService Raw(string answer, bool thenClose = false) => Start(async (_, socket) => await SendAsync(socket, answer) && !thenClose);

    /// <summary>Starts a service.</summary>
    /// <param name="answer">Gets the head of a request, and says whether the connection goes on.</param>
    public static HttpService Start(Func<string, Socket, Task<bool>> answer) => new(answer);

    /// <summary>Sends a text as Latin-1.</summary>
    /// <returns>True, for handlers that end with it.</returns>
    public static async Task<bool> SendAsync(Socket socket, string text)
    {
        await socket.SendAllAsync(Encoding.Latin1.GetBytes(text));
        return true;
    }

    /// <summary>Receives to the end of a head and no further.</summary>
    public static Task<string> ReceiveHeadAsync(Socket socket) => ReceiveUntilAsync(socket, text => text.EndsWith("\r\n\r\n", StringComparison.Ordinal));

    /// <summary>Receives until what came is complete, and no further.</summary>
    /// <param name="socket">Where from.</param>
    /// <param name="isComplete">Asked at line ends, with the last 16 characters.</param>
    public static async Task<string> ReceiveUntilAsync(Socket socket, Func<string, bool> isComplete)
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

    /// <inheritdoc/>
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
