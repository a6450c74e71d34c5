using CsCheck;

namespace Frp.Wire.Tests;

public sealed class PeerTextTests
{
    [Theory]
    [InlineData(null, "")]
    [InlineData("", "")]
    [InlineData("web-1.example.com", "web-1.example.com")]
    [InlineData("gr\u00fc\u00dfe \u65e5\u672c \U0001f600", "gr\u00fc\u00dfe \u65e5\u672c \U0001f600")]
    [InlineData("a\nb\r\tc", "a\\nb\\r\\tc")]
    [InlineData("\u001b[31mred\u0007", "\\x1b[31mred\\x07")]
    [InlineData("\u009b31m\u007f\u0085", "\\x9b31m\\x7f\\x85")]
    [InlineData("a\\nb", "a\\\\nb")]
    [InlineData("\u202egnp.exe", "\\u202egnp.exe")]
    [InlineData("\u2028\u2029\u200b\ufeff", "\\u2028\\u2029\\u200b\\ufeff")]
    [InlineData("\ue000\uffff\U000e0001", "\\ue000\\uffff\\U000e0001")]
    public void Escapes_what_could_act(string? text, string expected) => Assert.Equal(expected, PeerText.Escape(text, 200));

    [Fact]
    public void Escapes_unpaired_surrogates()
    {
        Assert.Equal("a\\ud800b", PeerText.Escape("a\ud800b", 200));
        Assert.Equal("\\udc00\\ud83d", PeerText.Escape("\udc00\ud83d", 200));
    }

    [Fact]
    public void Cuts_long_text_and_says_so()
    {
        Assert.Equal("abcde...", PeerText.Escape("abcdef", 5));
        Assert.Equal("abcdef", PeerText.Escape("abcdef", 6));
        Assert.Equal("abc...", PeerText.Escape("abc\u001bx", 5));
        Assert.Equal("...", PeerText.Escape("\U0001f600", 1));
    }

    [Fact]
    public void The_result_is_harmless_and_bounded_for_any_text() =>
        Gen.Select(Gen.String[Gen.Char['\u0000', '\uffff'], 0, 60], Gen.Int[0, 80]).Sample((text, max) =>
        {
            var shown = PeerText.Escape(text, max);
            Assert.InRange(shown.Length, 0, max + 3);
            Assert.DoesNotContain(shown, char.IsControl);
            Assert.True(shown.EnumerateRunes().All(r => r.Value != 0xfffd || text.Contains('\ufffd', StringComparison.Ordinal)));
        });

    [Fact]
    public void Harmless_text_is_not_copied()
    {
        var text = new string('a', 40);
        Assert.Same(text, PeerText.Escape(text, 40));
    }
}
