using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Frp.TestKit;

/// <summary>An answer as it came. Texts are Latin-1.</summary>
/// <param name="Head">Status line and headers.</param>
/// <param name="Body">With the chunks' own lines, where there are any.</param>
public sealed record HttpAnswer(string Head, string Body)
{
    /// <summary>The status code.</summary>
    public int Status => int.Parse(Head.AsSpan(9, 3), CultureInfo.InvariantCulture);

    /// <summary>The values of a header, a line each.</summary>
    public string[] All(string name) =>
        [.. Head.Split("\r\n").Where(l => l.StartsWith(name + ":", StringComparison.OrdinalIgnoreCase)).Select(l => l[(name.Length + 1)..].Trim())];

    /// <summary>Receives one answer.</summary>
    /// <param name="socket">What follows the answer is left in it.</param>
    /// <param name="isHead">Whether the request was a HEAD.</param>
    public static async Task<HttpAnswer> ReceiveAsync(Socket socket, bool isHead = false)
    {
        string head = await HttpService.ReceiveHeadAsync(socket).Soon();
        var answer = new HttpAnswer(head, "");
        if (isHead || answer.Status is 101 or 204 or 304 or (>= 100 and < 200)) return answer;
        if (answer.All("Content-Length") is [var length]) return answer with { Body = Encoding.Latin1.GetString(await socket.ReceiveExactlyAsync(int.Parse(length, CultureInfo.InvariantCulture)).Soon()) };
        if (answer.All("Transfer-Encoding").Length > 0) return answer with { Body = await HttpService.ReceiveUntilAsync(socket, body => body.EndsWith("\r\n\r\n", StringComparison.Ordinal)).Soon() };
        return answer with { Body = Encoding.Latin1.GetString(await socket.ReceiveToEndAsync().Soon()) };
    }
}
