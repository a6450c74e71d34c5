using System.Buffers.Binary;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace Frp.TestKit;

/// <summary>Transfers of any size, both ways at once, checked by hash.</summary>
/// <remarks>
/// Layout: the user sends two lengths, <c>u64 up, u64 down</c> (big-endian), and <c>up</c> bytes; the service sends
/// <c>down</c> bytes at the same time, and when it has received everything the SHA-256 of it and of what it has sent.
/// </remarks>
internal static class Bulk
{
    private const int Piece = 64 * 1024;
    private const int HeadLength = 16;

    internal static async Task AnswerAsync(Socket socket)
    {
        var head = await socket.ReceiveExactlyAsync(HeadLength);
        long up = BinaryPrimitives.ReadInt64BigEndian(head), down = BinaryPrimitives.ReadInt64BigEndian(head.AsSpan(8));
        var received = ReceiveAsync(socket, up);
        var sent = SendAsync(socket, down);
        await Task.WhenAll(received, sent);
        byte[] answer = [.. await received, .. await sent];
        await socket.SendAllAsync(answer);
    }

    internal static async Task<bool> AskAsync(Socket socket, long up, long down)
    {
        var head = new byte[HeadLength];
        BinaryPrimitives.WriteInt64BigEndian(head, up);
        BinaryPrimitives.WriteInt64BigEndian(head.AsSpan(8), down);
        await socket.SendAllAsync(head);
        var received = ReceiveAsync(socket, down);
        var sent = SendAsync(socket, up);
        await Task.WhenAll(received, sent);
        var answer = await socket.ReceiveExactlyAsync(2 * SHA256.HashSizeInBytes);
        byte[] expected = [.. await sent, .. await received];
        return answer.AsSpan().SequenceEqual(expected);
    }

    private static async Task<byte[]> SendAsync(Socket socket, long length)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = RandomNumberGenerator.GetBytes(Piece);
        for (long rest = length; rest > 0;)
        {
            // Half noise, half repetition, and never the same twice: compression has something to do and nothing to guess.
            BinaryPrimitives.WriteInt64LittleEndian(buffer, rest);
            buffer.AsSpan(0, 1024).CopyTo(buffer.AsSpan(Piece / 2));
            var piece = buffer.AsMemory(0, (int)Math.Min(rest, Piece));
            hash.AppendData(piece.Span);
            await socket.SendAllAsync(piece);
            rest -= piece.Length;
        }
        return hash.GetHashAndReset();
    }

    private static async Task<byte[]> ReceiveAsync(Socket socket, long length)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[Piece];
        for (long rest = length; rest > 0;)
        {
            int count = await socket.ReceiveAsync(buffer.AsMemory(0, (int)Math.Min(rest, Piece)));
            if (count == 0) throw new EndOfStreamException($"{rest} of {length} bytes are missing");
            hash.AppendData(buffer.AsSpan(0, count));
            rest -= count;
        }
        return hash.GetHashAndReset();
    }
}
