using System.Security.Cryptography;
using System.Text;
using Frp.Wire;

namespace Frp.Transport.Tests;

public sealed class DetectionPacketTests
{
    private static readonly byte[] Key = StreamKey.Derive("between us");

    // Recorded between two clients of frp 0.70.1 whose secret was "vector-sk".
    [Theory]
    [InlineData("6164882b5e38fd0b0ca8841fdd53f4b21a67edddff081bc9d38c1e53dacb88c57790038e6265166763eb05eeb84b966f3f2cbe223bae37dea9a911762d91d9319c5fd410b139b6cb93543b65af1f9429c6f40603408805559b04e1eef918fa477a489213d8e50b034ff02942cc3ee375d9245cbfc25d5fb3a948815d", "1795370424b699f6a95bfa9c2e", false, "000000")]
    [InlineData("4b67f58586ab62c4d24397ec13db96d5fd893a3d49c05dc81f4356ccd92939598a23d4fe9283d882e68fe3901dc286c5b8c31c043c1af14f8233dae87ccebe7a38811b5bdbdde1ea66178c52d1af7d3605f6f120da2d7325891fcb968d0c14e47512f8ef84cea496414c5a", "1795370425ccb71f59445ccd3a", false, "")]
    [InlineData("24cc915c103300725dd13eade23317b2f0f7ea597f5494469664a1320e8f4536c40a5344acdb4f2ddadc4bfa607ff8a11ecf7fac166ac1685265b3f9cc457a84db1ebf3cc2ba49d4a337db0b9ae8339d645fa191d9da7c657025bf491939950621ac572a58411c4b97a0ea2153f163df4860b60554d863a14172af", "1795370425ccb71f59445ccd3a", true, "")]
    public void Packets_of_the_reference_are_read(string datagram, string transaction, bool response, string filler)
    {
        Assert.True(DetectionPacket.TryOpen(Convert.FromHexString(datagram), StreamKey.Derive("vector-sk"), out var packet));
        Assert.Equal(new NatHoleSid { TransactionId = transaction, Sid = "1795370424b7be0beb32383025", Response = response, Nonce = filler }, packet);
    }

    [Fact]
    public void What_is_sealed_is_read_under_its_key_alone_and_never_looks_the_same()
    {
        var packet = new NatHoleSid { TransactionId = "t", Sid = "s", Response = true };
        byte[] one = DetectionPacket.Seal(packet, Key), other = DetectionPacket.Seal(packet, Key);
        Assert.NotEqual(one, other);
        Assert.True(DetectionPacket.TryOpen(one, Key, out var read));
        Assert.Equal(packet, read);
        Assert.True(DetectionPacket.TryOpen([.. one, 1, 2, 3], Key, out _)); // the reference reads no further
        Assert.False(DetectionPacket.TryOpen(one, StreamKey.Derive("other"), out _));
    }

    [Fact]
    public void Filler_is_of_nothing_but_zeros_and_varies()
    {
        var lengths = new HashSet<int>();
        for (int i = 0; i < 500; i++)
        {
            var packet = DetectionPacket.Question("t", "s");
            Assert.All(packet.Nonce, c => Assert.Equal('0', c));
            Assert.InRange(packet.Nonce.Length, 0, 19);
            lengths.Add(packet.Nonce.Length);
        }
        Assert.Equal(20, lengths.Count); // one is missing once in 10^10 runs
    }

    [Fact]
    public void Whatever_is_cut_changed_or_made_up_is_no_packet()
    {
        byte[] whole = DetectionPacket.Seal(new NatHoleSid { TransactionId = "t", Sid = "s" }, Key);
        for (int length = 0; length < whole.Length; length++) Assert.False(DetectionPacket.TryOpen(whole.AsSpan(0, length), Key, out _));
        for (int i = 0; i < 20_000; i++) Assert.False(DetectionPacket.TryOpen(RandomNumberGenerator.GetBytes(RandomNumberGenerator.GetInt32(DetectionPacket.MaxLength + 2)), Key, out _));
        Assert.False(DetectionPacket.TryOpen(Frame((byte)'6', 2, "{}"), Key, out _)); // a report
        Assert.False(DetectionPacket.TryOpen(Frame((byte)'5', -1, "{}"), Key, out _));
        Assert.False(DetectionPacket.TryOpen(Frame((byte)'5', long.MaxValue, "{}"), Key, out _));
        Assert.False(DetectionPacket.TryOpen(Frame((byte)'5', 3, "{}"), Key, out _));
        Assert.False(DetectionPacket.TryOpen(Frame((byte)'5', 7, "{\"sid\":"), Key, out _));
        Assert.False(DetectionPacket.TryOpen(Frame((byte)'5', 9, "{\"sid\":1}"), Key, out _));
        Assert.True(DetectionPacket.TryOpen(Frame((byte)'5', 2, "{}"), Key, out _));
        string longest = $"{{\"nonce\":\"{new string('0', DetectionPacket.MaxLength)}\"}}";
        Assert.False(DetectionPacket.TryOpen(Frame((byte)'5', longest.Length, longest), Key, out _));
    }

    private static byte[] Frame(byte type, long length, string body)
    {
        byte[] frame = [type, .. Convert.FromHexString(length.ToString("x16", System.Globalization.CultureInfo.InvariantCulture)), .. Encoding.UTF8.GetBytes(body)];
        using var cipher = new CfbEncryptor(Key);
        var sealedFrame = new byte[frame.Length];
        cipher.Encrypt(frame, sealedFrame);
        return [.. cipher.Iv, .. sealedFrame];
    }
}
