using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Frp.Transport;

/// <summary>What is known of a TLS connection by its first bytes.</summary>
public enum TlsClientHelloState
{
    /// <summary>More bytes are needed.</summary>
    Partial,
    /// <summary>The message is all there.</summary>
    Complete,
    /// <summary>It is something else, or longer than any client's.</summary>
    Invalid,
}

/// <summary>The message with which a TLS client opens, read for the host name that it asks for. Nothing is negotiated.</summary>
/// <remarks>
/// <para><b>Layout.</b> The handshake message may be cut into several records, and those into any segments:</para>
/// <code>
/// record       22(1) version(2: 3, any) length(2) fragment
/// handshake    1(1) length(3) body
/// body         version(2) random(32) session&lt;1&gt; suites&lt;2&gt; compression&lt;1&gt; [extensions&lt;2&gt;]     &lt;n&gt;: n bytes of length, then as many
/// extension    type(2) data&lt;2&gt;
/// server_name  type 0; list&lt;2&gt; of: name type(1) name&lt;2&gt;; name type 0 is a host name, of which there is one at most
/// </code>
/// <para>Extensions other than the name are not looked into: whoever answers the handshake judges them.</para>
/// <para><b>Source.</b> RFC 8446 §4.1.2, §5.1; RFC 6066 §3.</para>
/// </remarks>
public static class TlsClientHello
{
    /// <summary>The longest message that is read, in bytes.</summary>
    // Source: RFC 8446 lets one record hold that much; the largest seen, with post-quantum key shares, take 2 KiB.
    public const int MaxMessageLength = 16 * 1024;

    /// <summary>No message is longer than this on the wire, its record heads included. In bytes.</summary>
    public const int MaxLength = MaxMessageLength + MaxRecords * RecordHeadLength;

    private const int MaxRecords = 64;
    private const int RecordHeadLength = 5;
    private const int MaxFragmentLength = 16 * 1024;
    private const byte HandshakeRecord = 22;
    private const byte MajorVersion = 3;
    private const int MessageHeadLength = 4;
    private const byte ClientHelloMessage = 1;
    private const int RandomLength = 32;
    private const ushort ServerNameExtension = 0;
    private const byte HostNameType = 0;

    /// <summary>Reads as much as is there. Pure: called again with more bytes when it was too little.</summary>
    /// <param name="bytes">Everything from the first byte of the connection on; what follows the message is ignored.</param>
    /// <param name="serverName">The host name, in lower case; empty when none was sent, null when the message is not complete.</param>
    public static TlsClientHelloState Read(ReadOnlySpan<byte> bytes, out string? serverName)
    {
        serverName = null;
        int length = MessageHeadLength;
        byte[]? joined = null;
        try
        {
            int filled = 0;
            var rest = bytes;
            for (int records = 0; ; records++)
            {
                if (records == MaxRecords) return TlsClientHelloState.Invalid;
                if (!IsRecordHead(rest)) return TlsClientHelloState.Invalid;
                if (rest.Length < RecordHeadLength) return TlsClientHelloState.Partial;
                int announced = BinaryPrimitives.ReadUInt16BigEndian(rest[3..]);
                if (announced > MaxFragmentLength) return TlsClientHelloState.Invalid;
                rest = rest[RecordHeadLength..];
                var fragment = rest[..Math.Min(announced, rest.Length)];
                ReadOnlySpan<byte> message;
                if (filled == 0 && fragment.Length == announced && IsWhole(fragment)) message = fragment;
                else
                {
                    joined ??= ArrayPool<byte>.Shared.Rent(MaxMessageLength + MessageHeadLength);
                    // What does not fit is behind the longest message, and so behind this one.
                    fragment = fragment[..Math.Min(fragment.Length, MaxMessageLength + MessageHeadLength - filled)];
                    fragment.CopyTo(joined.AsSpan(filled));
                    filled += fragment.Length;
                    message = joined.AsSpan(0, filled);
                }
                if (message.Length > 0 && message[0] != ClientHelloMessage) return TlsClientHelloState.Invalid;
                if (message.Length >= MessageHeadLength)
                {
                    length = MessageHeadLength + LengthOf(message);
                    if (length > MaxMessageLength + MessageHeadLength) return TlsClientHelloState.Invalid;
                    if (message.Length >= length) return TryReadBody(message[MessageHeadLength..length], out serverName) ? TlsClientHelloState.Complete : TlsClientHelloState.Invalid;
                }
                if (rest.Length < announced) return TlsClientHelloState.Partial;
                rest = rest[announced..];
            }
        }
        finally
        {
            if (joined is not null) ArrayPool<byte>.Shared.Return(joined);
        }
    }

    private static bool IsRecordHead(ReadOnlySpan<byte> bytes) =>
        (bytes.Length < 1 || bytes[0] == HandshakeRecord) && (bytes.Length < 2 || bytes[1] == MajorVersion);

    private static bool IsWhole(ReadOnlySpan<byte> message) => message.Length >= MessageHeadLength && message.Length - MessageHeadLength >= LengthOf(message);

    private static int LengthOf(ReadOnlySpan<byte> message) => message[1] << 16 | BinaryPrimitives.ReadUInt16BigEndian(message[2..]);

    private static bool TryReadBody(ReadOnlySpan<byte> body, [NotNullWhen(true)] out string? serverName)
    {
        serverName = null;
        if (!TryTake(ref body, sizeof(ushort) + RandomLength, out _)) return false;
        if (!TryTakePrefixed(ref body, 1, out _)) return false;
        if (!TryTakePrefixed(ref body, 2, out var suites) || suites.Length % sizeof(ushort) != 0) return false;
        if (!TryTakePrefixed(ref body, 1, out _)) return false;
        string name = "";
        if (!body.IsEmpty)
        {
            if (!TryTakePrefixed(ref body, 2, out var extensions) || !body.IsEmpty) return false;
            bool seen = false;
            while (!extensions.IsEmpty)
            {
                if (!TryTake(ref extensions, sizeof(ushort), out var type) || !TryTakePrefixed(ref extensions, 2, out var data)) return false;
                if (BinaryPrimitives.ReadUInt16BigEndian(type) != ServerNameExtension) continue;
                if (seen || !TryReadNames(data, out name)) return false;
                seen = true;
            }
        }
        serverName = name;
        return true;
    }

    private static bool TryReadNames(ReadOnlySpan<byte> data, out string name)
    {
        name = "";
        if (!TryTakePrefixed(ref data, 2, out var names) || !data.IsEmpty || names.IsEmpty) return false;
        while (!names.IsEmpty)
        {
            if (!TryTake(ref names, 1, out var type) || !TryTakePrefixed(ref names, 2, out var value) || value.IsEmpty) return false;
            if (type[0] != HostNameType) continue;
            // Two names would let us and the service see different ones.
            if (name.Length > 0) return false;
            name = Encoding.UTF8.GetString(value).ToLowerInvariant();
        }
        return true;
    }

    private static bool TryTake(ref ReadOnlySpan<byte> bytes, int count, out ReadOnlySpan<byte> taken)
    {
        taken = default;
        if (bytes.Length < count) return false;
        taken = bytes[..count];
        bytes = bytes[count..];
        return true;
    }

    private static bool TryTakePrefixed(ref ReadOnlySpan<byte> bytes, int prefixLength, out ReadOnlySpan<byte> taken)
    {
        taken = default;
        if (!TryTake(ref bytes, prefixLength, out var prefix)) return false;
        return TryTake(ref bytes, prefixLength == 1 ? prefix[0] : BinaryPrimitives.ReadUInt16BigEndian(prefix), out taken);
    }
}
