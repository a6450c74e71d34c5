using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Frp.Wire;

namespace Frp.Transport;

/// <summary>The messages of an NTLMv2 authentication. Pure.</summary>
/// <remarks>
/// <para><b>Layout.</b> Little-endian; a <i>field</i> is <c>u16 length, u16 room, u32 offset</c> from the message's start.</para>
/// <code>
///          NEGOTIATE (1)         CHALLENGE (2)              AUTHENTICATE (3)
///  0       "NTLMSSP\0"           "NTLMSSP\0"                "NTLMSSP\0"
///  8       u32 1                 u32 2                      u32 3
/// 12       u32 flags             field target name          field LM response
/// 16/20    field domain          u32 flags                  field NT response
/// 24       field workstation     u8[8] server challenge     28 field domain
/// 32       u8[8] version         32 u8[8] reserved          36 field user
/// 40                             40 field target info       44 field workstation
/// 48                             u8[8] version              52 field session key
/// 60                                                        u32 flags
/// 64                                                        u8[8] version
/// 72                                                        payload
/// </code>
/// <para>No message integrity code is sent, and no session key: nothing is signed or sealed after a CONNECT.</para>
/// <para><b>Source.</b> MS-NLMP sections 2.2.1, 3.3.2; checked against the values of section 4.2.4.</para>
/// </remarks>
internal static class NtlmMessage
{
    private const int NegotiateSize = 40;
    private const int ChallengeMinSize = 48;
    private const int AuthenticateHeadSize = 72;
    private const ushort AvEol = 0;
    private const ushort AvTimestamp = 7;

    [Flags]
    private enum Options : uint
    {
        Unicode = 0x1,
        RequestTarget = 0x4,
        Ntlm = 0x200,
        AlwaysSign = 0x8000,
        ExtendedSessionSecurity = 0x80000,
        TargetInfo = 0x800000,
        Version = 0x2000000,
        Key128 = 0x20000000,
        Key56 = 0x80000000,
    }

    private static ReadOnlySpan<byte> Signature => "NTLMSSP\0"u8;

    // Windows 10, NTLM revision 15: servers log it and decide nothing by it.
    private static ReadOnlySpan<byte> OwnVersion => [10, 0, 0x61, 0x4A, 0, 0, 0, 15];

    /// <summary>The opening.</summary>
    internal static byte[] Negotiate()
    {
        var message = new byte[NegotiateSize];
        Signature.CopyTo(message);
        BinaryPrimitives.WriteUInt32LittleEndian(message.AsSpan(8), 1);
        const Options offered = Options.Unicode | Options.RequestTarget | Options.Ntlm | Options.AlwaysSign
            | Options.ExtendedSessionSecurity | Options.Version | Options.Key128 | Options.Key56;
        BinaryPrimitives.WriteUInt32LittleEndian(message.AsSpan(12), (uint)offered);
        OwnVersion.CopyTo(message.AsSpan(32));
        return message;
    }

    /// <summary>The answer to a challenge.</summary>
    /// <param name="challenge">The server's message.</param>
    /// <param name="user"><c>user</c>, <c>DOMAIN\user</c> or <c>user@domain</c>.</param>
    /// <param name="password">In clear.</param>
    /// <param name="now">Used when the server sends no time.</param>
    /// <exception cref="ProtocolViolationException">The challenge is none.</exception>
    internal static byte[] Authenticate(ReadOnlySpan<byte> challenge, string user, string password, DateTimeOffset now)
    {
        Span<byte> clientChallenge = stackalloc byte[8];
        RandomNumberGenerator.Fill(clientChallenge);
        return Authenticate(challenge, user, password, now, clientChallenge);
    }

    internal static byte[] Authenticate(
        ReadOnlySpan<byte> challenge, string user, string password, DateTimeOffset now, ReadOnlySpan<byte> clientChallenge)
    {
        if (challenge.Length < ChallengeMinSize || !challenge.StartsWith(Signature) || BinaryPrimitives.ReadUInt32LittleEndian(challenge[8..]) != 2)
        {
            throw new ProtocolViolationException("malformed NTLM challenge");
        }
        var options = (Options)BinaryPrimitives.ReadUInt32LittleEndian(challenge[20..]);
        if (!options.HasFlag(Options.Unicode)) throw new ProxyRefusedException("the proxy's NTLM knows no Unicode");
        var serverChallenge = challenge.Slice(24, 8);
        var targetInfo = Field(challenge, 40);
        var domain = Encoding.Unicode.GetString(Field(challenge, 12));
        var backslash = user.IndexOf('\\');
        if (backslash >= 0) (domain, user) = (user[..backslash], user[(backslash + 1)..]);
        else if (user.Contains('@')) domain = "";

        var serverTime = FindTime(targetInfo);
        var key = ResponseKey(user, domain, password);
        var (proof, temp) = Response(key, serverChallenge, clientChallenge, serverTime ?? now.ToFileTime(), targetInfo);
        // With a server time the LM response is zeros; it would only weaken the other one.
        byte[] lm = serverTime is not null
            ? new byte[24]
            : [.. HMACMD5.HashData(key, (byte[])[.. serverChallenge, .. clientChallenge]), .. clientChallenge];
        const Options kept = Options.Unicode | Options.RequestTarget | Options.Ntlm | Options.AlwaysSign | Options.ExtendedSessionSecurity
            | Options.TargetInfo | Options.Version | Options.Key128 | Options.Key56;
        return Assemble(lm, [.. proof, .. temp], domain, user, (options & kept) | Options.Version);
    }

    /// <summary>NTOWFv2: <c>HMAC-MD5(MD4(password), uppercase(user) + domain)</c>.</summary>
    internal static byte[] ResponseKey(string user, string domain, string password) => HMACMD5.HashData(
        Md4.Hash(Encoding.Unicode.GetBytes(password)), Encoding.Unicode.GetBytes(user.ToUpperInvariant() + domain));

    /// <summary>NTProofStr and what it proves.</summary>
    internal static (byte[] Proof, byte[] Temp) Response(
        byte[] key, ReadOnlySpan<byte> serverChallenge, ReadOnlySpan<byte> clientChallenge, long fileTime, ReadOnlySpan<byte> targetInfo)
    {
        // 01 01 00[6] time[8] client challenge[8] 00[4] target info 00[4]
        var temp = new byte[28 + targetInfo.Length + 4];
        temp[0] = temp[1] = 1;
        BinaryPrimitives.WriteInt64LittleEndian(temp.AsSpan(8), fileTime);
        clientChallenge.CopyTo(temp.AsSpan(16));
        targetInfo.CopyTo(temp.AsSpan(28));
        return (HMACMD5.HashData(key, (byte[])[.. serverChallenge, .. temp]), temp);
    }

    private static byte[] Assemble(byte[] lm, byte[] nt, string domain, string user, Options options)
    {
        var domainBytes = Encoding.Unicode.GetBytes(domain);
        var userBytes = Encoding.Unicode.GetBytes(user);
        var message = new byte[AuthenticateHeadSize + domainBytes.Length + userBytes.Length + lm.Length + nt.Length];
        Signature.CopyTo(message);
        BinaryPrimitives.WriteUInt32LittleEndian(message.AsSpan(8), 3);
        var offset = AuthenticateHeadSize;
        Put(message, 28, domainBytes, ref offset);
        Put(message, 36, userBytes, ref offset);
        Put(message, 44, [], ref offset);
        Put(message, 12, lm, ref offset);
        Put(message, 20, nt, ref offset);
        Put(message, 52, [], ref offset);
        BinaryPrimitives.WriteUInt32LittleEndian(message.AsSpan(60), (uint)options);
        OwnVersion.CopyTo(message.AsSpan(64));
        return message;
    }

    private static void Put(byte[] message, int field, ReadOnlySpan<byte> value, ref int offset)
    {
        if (value.Length > ushort.MaxValue) throw new ProxyRefusedException("user or password is too long for NTLM");
        BinaryPrimitives.WriteUInt16LittleEndian(message.AsSpan(field), (ushort)value.Length);
        BinaryPrimitives.WriteUInt16LittleEndian(message.AsSpan(field + 2), (ushort)value.Length);
        BinaryPrimitives.WriteInt32LittleEndian(message.AsSpan(field + 4), offset);
        value.CopyTo(message.AsSpan(offset));
        offset += value.Length;
    }

    private static ReadOnlySpan<byte> Field(ReadOnlySpan<byte> message, int at)
    {
        var length = BinaryPrimitives.ReadUInt16LittleEndian(message[at..]);
        var offset = BinaryPrimitives.ReadUInt32LittleEndian(message[(at + 4)..]);
        if (length == 0) return default;
        if (offset > message.Length || length > message.Length - offset) throw new ProtocolViolationException("malformed NTLM challenge");
        return message.Slice((int)offset, length);
    }

    // Target info: u16 id, u16 length, value, ... until id 0.
    private static long? FindTime(ReadOnlySpan<byte> targetInfo)
    {
        while (targetInfo.Length >= 4)
        {
            var id = BinaryPrimitives.ReadUInt16LittleEndian(targetInfo);
            int length = BinaryPrimitives.ReadUInt16LittleEndian(targetInfo[2..]);
            if (id == AvEol || length > targetInfo.Length - 4) break;
            if (id == AvTimestamp && length == 8) return BinaryPrimitives.ReadInt64LittleEndian(targetInfo[4..]);
            targetInfo = targetInfo[(4 + length)..];
        }
        return null;
    }
}
