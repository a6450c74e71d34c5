using System.Globalization;
using System.Text;
using Frp.Transport;
using Microsoft.AspNetCore.Http;

namespace Frp.Web;

/// <summary>A response's body in chunks, with trailers behind it: for HTTP/1.1, where the server writes chunks but no trailers.</summary>
/// <remarks>Layout: RFC 9112 §7.1. A response that is not completed is cut off by the server.</remarks>
/// <param name="inner">The server's body, whose headers say that it is chunked already.</param>
internal sealed class ChunkedBody(Stream inner) : DuplexStream
{
    public override bool CanRead => false;

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (buffer.IsEmpty) return;
        byte[] head = Encoding.ASCII.GetBytes(buffer.Length.ToString("x", CultureInfo.InvariantCulture) + "\r\n");
        var chunk = new byte[head.Length + buffer.Length + 2];
        head.CopyTo(chunk, 0);
        buffer.CopyTo(chunk.AsMemory(head.Length));
        "\r\n"u8.CopyTo(chunk.AsSpan(head.Length + buffer.Length));
        await inner.WriteAsync(chunk, cancellationToken);
    }

    public override Task FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);

    /// <summary>Ends the body.</summary>
    internal ValueTask CompleteAsync(IHeaderDictionary trailers, CancellationToken cancellationToken)
    {
        var end = new StringBuilder("0\r\n");
        foreach (var (name, values) in trailers)
        {
            foreach (string? value in values)
            {
                if (!value.AsSpan().ContainsAny('\r', '\n', '\0')) end.Append(name).Append(": ").Append(value).Append("\r\n");
            }
        }
        return inner.WriteAsync(Encoding.Latin1.GetBytes(end.Append("\r\n").ToString()), cancellationToken);
    }
}
