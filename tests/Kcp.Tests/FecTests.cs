using System.Buffers.Binary;

namespace Kcp.Tests;

public sealed class FecTests
{
    [Fact]
    public void The_parity_rows_are_the_reference_s()
    {
        string[] rows = ["8196AFB8D2C4FEE80302", "9681B8AFC4D2E8FE0203", "BFD6620A066FDFB70504"];
        for (int parity = 0; parity < 3; parity++)
            Assert.Equal(rows[parity], Convert.ToHexString([.. Enumerable.Range(0, 10).Select(i => ParityCode.Factor(parity, i))]));
    }

    [Theory]
    [InlineData("0102030405060708090A", "45F212")]
    [InlineData("00102030405060708090", "A0B0C0")]
    public void Parity_of_one_byte_each(string data, string parity)
    {
        byte[] bytes = Convert.FromHexString(data), result = new byte[3];
        for (int p = 0; p < 3; p++)
        {
            for (int i = 0; i < 10; i++) Gf256.AddProduct(bytes.AsSpan(i, 1), ParityCode.Factor(p, i), result.AsSpan(p, 1));
        }
        Assert.Equal(parity, Convert.ToHexString(result));
    }

    [Fact]
    public void Products_by_vector_are_the_products_one_by_one()
    {
        var random = new Random(1);
        for (int length = 0; length < 70; length++)
        {
            byte[] source = new byte[length], sum = new byte[length];
            random.NextBytes(source);
            random.NextBytes(sum);
            byte factor = (byte)random.Next(256);
            byte[] expected = [.. source.Select((b, i) => (byte)(sum[i] ^ Slow(b, factor)))];
            Gf256.AddProduct(source, factor, sum);
            Assert.Equal(expected, sum);
        }

        static byte Slow(int a, int b)
        {
            int product = 0;
            for (; b > 0; b >>= 1, a = (a << 1) ^ ((a & 0x80) != 0 ? 0x11d : 0)) product ^= (b & 1) != 0 ? a : 0;
            return (byte)product;
        }
    }

    [Fact]
    public void Any_pattern_of_three_losses_is_made_good_and_four_are_not()
    {
        var random = new Random(2);
        for (int mask = 0; mask < 1 << 13; mask++)
        {
            int lost = int.PopCount(mask);
            if (lost > 4) continue;
            var group = Group(new FecEncoder(), random);
            var found = Feed(AlignedDecoder(), group.Where((_, i) => (mask & (1 << i)) == 0));
            var expected = Enumerable.Range(0, 10).Where(i => (mask & (1 << i)) != 0).Select(i => Convert.ToHexString(group[i].AsSpan(8)));
            Assert.Equal(lost <= 3 ? expected : [], found);
        }
    }

    [Fact]
    public void The_order_of_arrival_does_not_matter()
    {
        var random = new Random(3);
        for (int round = 0; round < 300; round++)
        {
            var group = Group(new FecEncoder(), random);
            int[] missing = [.. Enumerable.Range(0, 10).OrderBy(_ => random.Next()).Take(3).Order()];
            var arriving = group.Where((_, i) => !missing.Contains(i)).OrderBy(_ => random.Next()).ToList();
            // Neighbours that change places do not confirm where groups begin, and must not deny it.
            var decoder = AlignedDecoder();
            var found = Feed(decoder, arriving);
            foreach (string segment in found) Assert.Contains(segment, missing.Select(i => Convert.ToHexString(group[i].AsSpan(8))));
        }
    }

    [Fact]
    public void Nothing_is_computed_with_a_wrong_beginning_when_the_sender_has_left_out_parity()
    {
        var random = new Random(4);
        int recovered = 0;
        for (int seed = 0; seed < 500; seed++)
        {
            var decoder = AlignedDecoder();
            uint number = 0;
            var sent = new HashSet<string>();
            long now = 0;
            for (int group = 0; group < 6; group++)
            {
                // As the reference does: behind a pause the parity is left out, and its numbers with it.
                bool isSlow = random.Next(2) == 0;
                var datagrams = Group(new FecEncoder(), random, length: 500);
                for (int i = 0; i < (isSlow ? 10 : 13); i++)
                {
                    if (isSlow && i == 9) now += 600;
                    BinaryPrimitives.WriteUInt32LittleEndian(datagrams[i], number++);
                    if (i < 10) sent.Add(Convert.ToHexString(datagrams[i].AsSpan(8)));
                    if (random.Next(5) == 0) continue;
                    foreach (string found in Feed(decoder, [datagrams[i]], now += random.Next(20)))
                    {
                        Assert.Contains(found, sent);
                        recovered++;
                    }
                }
            }
        }
        Assert.True(recovered > 300, $"only {recovered} were recovered");
    }

    [Fact]
    public void A_group_that_took_long_has_no_parity_and_keeps_the_count()
    {
        var encoder = new FecEncoder();
        byte[] datagram = new byte[50];
        for (int i = 0; i < 10; i++) Assert.False(encoder.Add(datagram, i < 9 ? 0 : 500));
        Assert.False(encoder.Add(datagram, 500));
        Assert.Equal(13u, FecHeader.NumberOf(datagram));
    }

    [Fact]
    public void Garbage_and_cut_datagrams_are_survived_at_every_length()
    {
        var random = new Random(5);
        var decoder = AlignedDecoder();
        for (int round = 0; round < 20_000; round++)
        {
            byte[] datagram = new byte[random.Next(6, 1400)];
            if (random.Next(2) == 0) random.NextBytes(datagram);
            BinaryPrimitives.WriteUInt32LittleEndian(datagram, random.Next(4) == 0 ? (uint)random.NextInt64(uint.MaxValue) : (uint)random.Next(60));
            BinaryPrimitives.WriteUInt16LittleEndian(datagram.AsSpan(4), random.Next(3) == 0 ? FecHeader.Parity : FecHeader.Data);
            int found = decoder.Add(datagram, round);
            for (int i = 0; i < found; i++) Assert.True(decoder.Result(i).Length <= 1350);
        }
    }

    /// <summary>A decoder that has seen where groups begin: at 0.</summary>
    internal static FecDecoder AlignedDecoder()
    {
        var decoder = new FecDecoder();
        byte[] parity = new byte[30], data = new byte[30];
        FecHeader.Write(parity, FecHeader.Modulus - 1, FecHeader.Parity);
        FecHeader.Write(data, 0, FecHeader.Data);
        Assert.Equal(0, decoder.Add(parity, 0));
        Assert.Equal(0, decoder.Add(data, 0));
        decoder.Clear(); // the datagrams, not the knowledge
        return decoder;
    }

    internal static List<string> Feed(FecDecoder decoder, IEnumerable<byte[]> datagrams, long now = 0)
    {
        var found = new List<string>();
        foreach (byte[] datagram in datagrams)
        {
            int count = decoder.Add(datagram, now);
            for (int i = 0; i < count; i++) found.Add(Convert.ToHexString(decoder.Result(i)));
        }
        return found;
    }

    private static List<byte[]> Group(FecEncoder encoder, Random random, int length = 0)
    {
        var group = new List<byte[]>();
        for (int i = 0; i < 10; i++)
        {
            byte[] datagram = new byte[8 + (length > 0 ? length : random.Next(24, 1351))];
            random.NextBytes(datagram);
            bool hasParity = encoder.Add(datagram, 0);
            Assert.Equal(i == 9, hasParity);
            group.Add(datagram);
        }
        for (int i = 0; i < 3; i++)
        {
            byte[] room = new byte[1400];
            group.Add(room[..encoder.TakeParity(i, room)]);
        }
        return group;
    }
}
