using System.Buffers;
using Frp.Wire;

namespace Frp.Transport;

/// <summary>The first bytes of a logical connection: which framing the client speaks.</summary>
public static class OpeningExchange
{
    /// <summary>Server side: reads just enough to tell the framing.</summary>
    /// <param name="stream">A fresh logical connection. Stays the caller's.</param>
    /// <param name="cancellationToken">The deadline for the first message.</param>
    /// <exception cref="EndOfStreamException">The client has gone.</exception>
    public static async ValueTask<MessageStream> AcceptAsync(Stream stream, CancellationToken cancellationToken)
    {
        var head = new byte[WireMagic.Length];
        int count = 0;
        WireVersion? version;
        while ((version = WireMagic.Detect(head.AsSpan(0, count))) is null)
        {
            int read = await stream.ReadAsync(head.AsMemory(count), cancellationToken);
            if (read == 0) throw new EndOfStreamException("the peer closed the connection");
            count += read;
        }
        // The magic belongs to nobody; in v1 the bytes are the first message's.
        return version == WireVersion.V2
            ? new MessageStream(stream, V2Codec.Bootstrap)
            : new MessageStream(PrefixedStream.Wrap(stream, head.AsMemory(0, count)), V1Codec.Instance);
    }

    /// <summary>Client side: what a logical connection begins with, for one write.</summary>
    /// <param name="version">The framing to announce.</param>
    /// <param name="messages">The first messages, in order.</param>
    public static byte[] Encode(WireVersion version, params ReadOnlySpan<Message> messages)
    {
        var output = new ArrayBufferWriter<byte>(256);
        if (version == WireVersion.V2) output.Write(WireMagic.V2);
        var codec = CodecOf(version);
        foreach (var message in messages) codec.Write(output, message);
        return output.WrittenSpan.ToArray();
    }

    /// <summary>The codec for the start of a logical connection.</summary>
    public static IMessageCodec CodecOf(WireVersion version) => version == WireVersion.V2 ? V2Codec.Bootstrap : V1Codec.Instance;
}
