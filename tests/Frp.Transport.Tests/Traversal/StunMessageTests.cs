using System.Net;

namespace Frp.Transport.Tests;

public sealed class StunMessageTests
{
    // Recorded from a live client and a responder that knows OTHER-ADDRESS.
    private const string Request = "000100002112a44284dc658e8a174465e91bfd3d";
    private const string Answer = "010100182112a44284dc658e8a174465e91bfd3d002000080001c6175e12a443802c00080001d8f47f000001";

    private const string Header = "0101LLLL2112a44284dc658e8a174465e91bfd3d";
    private const string XorMapped = "002000080001c6175e12a443", Mapped = "000100080001000a0a000001", Other = "802c00080001d8f47f000001", Changed = "00050008000100630a000002";

    private static readonly byte[] Id = Convert.FromHexString("84dc658e8a174465e91bfd3d");

    private static byte[] Message(string attributes) => Convert.FromHexString(Header.Replace("LLLL", (attributes.Length / 2).ToString("x4", null), StringComparison.Ordinal) + attributes);

    [Fact]
    public void A_request_is_the_recorded_one()
    {
        var message = new byte[StunMessage.HeaderSize];
        StunMessage.WriteRequest(message, Id);
        Assert.Equal(Request, Convert.ToHexStringLower(message));
    }

    [Fact]
    public void An_answer_is_read_as_recorded()
    {
        Assert.True(StunMessage.TryReadAnswer(Convert.FromHexString(Answer), Id, out var answer));
        Assert.Equal(new StunAnswer(false, IPEndPoint.Parse("127.0.0.1:59141"), IPEndPoint.Parse("127.0.0.1:55540")), answer);
    }

    [Theory]
    [InlineData(XorMapped, "127.0.0.1:59141", null)]
    [InlineData(Mapped, "10.0.0.1:10", null)]
    [InlineData(Mapped + XorMapped, "127.0.0.1:59141", null)] // a NAT may have rewritten the plain one
    [InlineData(Mapped + Changed, "10.0.0.1:10", "10.0.0.2:99")]
    [InlineData(Mapped + Changed + Other, "10.0.0.1:10", "127.0.0.1:55540")]
    [InlineData("802200054142434445000000" + Mapped, "10.0.0.1:10", null)] // SOFTWARE, five bytes and their padding
    [InlineData("00010014000200010000000000000000000000000000000a", null, null)] // IPv6
    [InlineData("000100040001000a", null, null)]
    [InlineData("", null, null)]
    public void Attributes_are_found_by_their_rank(string attributes, string? mapped, string? other)
    {
        Assert.True(StunMessage.TryReadAnswer(Message(attributes), Id, out var answer));
        Assert.Equal((false, mapped, other), (answer.IsError, answer.Mapped?.ToString(), answer.Other?.ToString()));
    }

    [Fact]
    public void An_error_has_no_addresses()
    {
        var message = Message("0009000400000414");
        message[1] = 0x11;
        Assert.True(StunMessage.TryReadAnswer(message, Id, out var answer));
        Assert.Equal(new StunAnswer(true, null, null), answer);
    }

    [Fact]
    public void What_is_no_answer_to_the_question_is_none()
    {
        byte[] good = Convert.FromHexString(Answer);
        for (int length = 0; length < good.Length; length++) Assert.False(StunMessage.TryReadAnswer(good.AsSpan(0, length), Id, out _), $"{length} bytes");
        foreach (int changed in Enumerable.Range(0, 2).Concat(Enumerable.Range(4, 16)))
        {
            byte[] other = [.. good];
            other[changed] ^= 0x40;
            Assert.False(StunMessage.TryReadAnswer(other, Id, out _), $"byte {changed}");
        }
        Assert.False(StunMessage.TryReadAnswer(Message("002000090001c6175e12a443"), Id, out _)); // an attribute longer than what is left
    }
}
