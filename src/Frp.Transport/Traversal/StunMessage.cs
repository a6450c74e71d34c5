using System.Buffers.Binary;
using System.Net;

namespace Frp.Transport;

/// <summary>What a STUN server says.</summary>
/// <param name="IsError">The server refuses.</param>
/// <param name="Mapped">The asker's address as the server sees it; null when it does not say.</param>
/// <param name="Other">Another address of the server, to be asked too; null when it has none.</param>
internal readonly record struct StunAnswer(bool IsError, IPEndPoint? Mapped, IPEndPoint? Other);

/// <summary>Binding requests and their answers (RFC 8489 §5, §14; OTHER-ADDRESS: RFC 5780 §7.4; CHANGED-ADDRESS: RFC 3489 §11.2.3).</summary>
internal static class StunMessage
{
    /// <summary>Bytes of a request.</summary>
    internal const int HeaderSize = 20;

    /// <summary>Bytes of a transaction id.</summary>
    internal const int IdSize = 12;

    private const ushort BindingRequest = 0x0001;
    private const ushort BindingSuccess = 0x0101;
    private const ushort BindingError = 0x0111;
    private const uint Cookie = 0x2112A442;

    private const ushort MappedAddress = 0x0001;
    private const ushort ChangedAddress = 0x0005;
    private const ushort XorMappedAddress = 0x0020;
    private const ushort OtherAddress = 0x802C;

    /// <summary>Writes a request.</summary>
    /// <param name="message"><see cref="HeaderSize"/> bytes.</param>
    /// <param name="id">Random, <see cref="IdSize"/> bytes.</param>
    internal static void WriteRequest(Span<byte> message, ReadOnlySpan<byte> id)
    {
        BinaryPrimitives.WriteUInt16BigEndian(message, BindingRequest);
        BinaryPrimitives.WriteUInt16BigEndian(message[2..], 0);
        BinaryPrimitives.WriteUInt32BigEndian(message[4..], Cookie);
        id.CopyTo(message.Slice(8, IdSize));
    }

    /// <summary>Reads an answer.</summary>
    /// <param name="message">A datagram, whatever it is.</param>
    /// <param name="id">Of the request.</param>
    /// <param name="answer">What it says.</param>
    /// <returns>False when it is no answer to that request.</returns>
    internal static bool TryReadAnswer(ReadOnlySpan<byte> message, ReadOnlySpan<byte> id, out StunAnswer answer)
    {
        answer = default;
        if (message.Length < HeaderSize) return false;
        ushort type = BinaryPrimitives.ReadUInt16BigEndian(message);
        int length = BinaryPrimitives.ReadUInt16BigEndian(message[2..]);
        if (type is not (BindingSuccess or BindingError) || BinaryPrimitives.ReadUInt32BigEndian(message[4..]) != Cookie) return false;
        if (!message.Slice(8, IdSize).SequenceEqual(id) || length > message.Length - HeaderSize) return false;
        if (type == BindingError)
        {
            answer = new StunAnswer(IsError: true, null, null);
            return true;
        }

        IPEndPoint? mapped = null, xorMapped = null, changed = null, other = null;
        var rest = message.Slice(HeaderSize, length);
        while (rest.Length >= 4)
        {
            ushort attribute = BinaryPrimitives.ReadUInt16BigEndian(rest);
            int size = BinaryPrimitives.ReadUInt16BigEndian(rest[2..]);
            if (size > rest.Length - 4) return false;
            var value = rest.Slice(4, size);
            switch (attribute)
            {
                case MappedAddress: mapped ??= ReadAddress(value); break;
                case ChangedAddress: changed ??= ReadAddress(value); break;
                case OtherAddress: other ??= ReadAddress(value); break;
                case XorMappedAddress: xorMapped ??= Unmask(ReadAddress(value)); break;
            }
            rest = rest[Math.Min(4 + ((size + 3) & ~3), rest.Length)..]; // padded to four bytes
        }
        answer = new StunAnswer(IsError: false, xorMapped ?? mapped, other ?? changed);
        return true;
    }

    // Layout: reserved(1) family(1, 1 = IPv4) port(2) address(4). Only sockets of IPv4 are asked from.
    private static IPEndPoint? ReadAddress(ReadOnlySpan<byte> value) =>
        value.Length >= 8 && value[1] == 1 ? new IPEndPoint(new IPAddress(value.Slice(4, 4)), BinaryPrimitives.ReadUInt16BigEndian(value[2..])) : null;

    private static IPEndPoint? Unmask(IPEndPoint? masked)
    {
        if (masked is null) return null;
        Span<byte> address = stackalloc byte[4];
        masked.Address.TryWriteBytes(address, out _);
        BinaryPrimitives.WriteUInt32BigEndian(address, BinaryPrimitives.ReadUInt32BigEndian(address) ^ Cookie);
        return new IPEndPoint(new IPAddress(address), masked.Port ^ (int)(Cookie >> 16));
    }
}
