using System.Text;
using ProtocolViolationException = Frp.Wire.ProtocolViolationException;

namespace Frp.Transport.Tests;

public class NtlmTests
{
    // Source: MS-NLMP section 4.2.4: the challenge, and what follows from it for User, Domain, Password.
    private const string Challenge =
        "4e544c4d53535000020000000c000c003800000033828ae20123456789abcdef" +
        "00000000000000002400240044000000060070170000000f5300650072007600650072000200" +
        "0c0044006f006d00610069006e0001000c0053006500720076006500720000000000";

    [Theory]
    // Source: RFC 1320 appendix A.5.
    [InlineData("", "31d6cfe0d16ae931b73c59d7e0c089c0")]
    [InlineData("a", "bde52cb31de33e46245e05fbdbd6fb24")]
    [InlineData("abc", "a448017aaf21d8525fc10ae87aa6729d")]
    [InlineData("message digest", "d9130a8164549fe818874806e1c7014b")]
    [InlineData("abcdefghijklmnopqrstuvwxyz", "d79e1c308aa5bbcdeea8ed63df412da9")]
    [InlineData("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", "043f8582f241db351ce627e153e7f0e4")]
    [InlineData("12345678901234567890123456789012345678901234567890123456789012345678901234567890", "e33b4ddc9c38f2199c3e7b164fcc0536")]
    public void MD4_has_the_published_digests(string text, string digest) =>
        Assert.Equal(digest, Convert.ToHexStringLower(Md4.Hash(Encoding.ASCII.GetBytes(text))));

    [Fact]
    public void The_password_hashes_are_the_published_ones()
    {
        Assert.Equal("a4f49c406510bdcab6824ee7c30fd852", Convert.ToHexStringLower(Md4.Hash(Encoding.Unicode.GetBytes("Password"))));
        Assert.Equal("0c868a403bfd7a93a3001ef22ef02e3f", Convert.ToHexStringLower(NtlmMessage.ResponseKey("User", "Domain", "Password")));
    }

    [Fact]
    public void The_proof_is_the_published_one()
    {
        var key = NtlmMessage.ResponseKey("User", "Domain", "Password");
        var targetInfo = Convert.FromHexString("02000c0044006f006d00610069006e0001000c005300650072007600650072000000000000000000");
        var (proof, temp) = NtlmMessage.Response(key, Convert.FromHexString("0123456789abcdef"), Enumerable.Repeat((byte)0xaa, 8).ToArray(), 0, targetInfo.AsSpan(0, 36));
        Assert.Equal("68cd0ab851e51c96aabc927bebef6a1c", Convert.ToHexStringLower(proof));
        Assert.Equal(
            "01010000000000000000000000000000aaaaaaaaaaaaaaaa0000000002000c0044006f006d00610069006e0001000c0053006500720076006500720000000000" +
            "00000000", Convert.ToHexStringLower(temp));
    }

    [Theory]
    [InlineData("Domain\\User", "Domain", "User")]
    [InlineData("User", "Server", "User")] // the challenge's target name
    [InlineData("user@example.com", "", "user@example.com")]
    public void The_answer_names_user_and_domain(string given, string domain, string user)
    {
        var message = NtlmMessage.Authenticate(
            Convert.FromHexString(Challenge), given, "Password", DateTimeOffset.FromFileTime(0), Enumerable.Repeat((byte)0xaa, 8).ToArray());
        Assert.Equal("4e544c4d5353500003000000", Convert.ToHexStringLower(message.AsSpan(0, 12)));
        Assert.Equal(domain, Encoding.Unicode.GetString(Field(message, 28)));
        Assert.Equal(user, Encoding.Unicode.GetString(Field(message, 36)));
        if (domain == "Domain")
        {
            Assert.Equal("86c35097ac9cec102554764a57cccc19aaaaaaaaaaaaaaaa", Convert.ToHexStringLower(Field(message, 12)));
            Assert.Equal("68cd0ab851e51c96aabc927bebef6a1c", Convert.ToHexStringLower(Field(message, 20)[..16]));
        }
    }

    [Fact]
    public void A_server_time_is_used_and_makes_the_old_response_empty()
    {
        var info = Convert.FromHexString("070008000102030405060708" + "00000000");
        var challenge = Convert.FromHexString("4e544c4d5353500002000000000000003000000001028a020123456789abcdef0000000000000000" + "1000100030000000").Concat(info).ToArray();
        var message = NtlmMessage.Authenticate(challenge, "u", "p", DateTimeOffset.UnixEpoch);
        Assert.All(Field(message, 12).ToArray(), b => Assert.Equal(0, b));
        Assert.Equal("0102030405060708", Convert.ToHexStringLower(Field(message, 20).Slice(16 + 8, 8)));
    }

    [Fact]
    public void Broken_challenges_are_refused()
    {
        var good = Convert.FromHexString(Challenge);
        foreach (var cut in new[] { 0, 11, 47, good.Length - 1 })
        {
            Assert.Throws<ProtocolViolationException>(() => NtlmMessage.Authenticate(good.AsSpan(0, cut), "u", "p", DateTimeOffset.UnixEpoch));
        }
        good[16 + 40 - 12] = 0xFF; // target info's offset
        good[47] = 0xFF;
        Assert.Throws<ProtocolViolationException>(() => NtlmMessage.Authenticate(good, "u", "p", DateTimeOffset.UnixEpoch));
    }

    private static ReadOnlySpan<byte> Field(byte[] message, int at) =>
        message.AsSpan(BitConverter.ToInt32(message, at + 4), BitConverter.ToUInt16(message, at));
}
