using CsCheck;
using Tomlyn;
using Tomlyn.Parsing;

namespace Frp.Config.Tests;

/// <summary>Our grammar of TOML against the library's own, on texts that are TOML here and there.</summary>
public sealed class TomlOracleTests
{
    private static readonly string[] Fragments =
    [
        "a", "b", "c", "a-b", "\"a\"", "'b'", "1", "true", "false", ".", "=", " = ", "=", "=", ",", ", ", "[", "]", "[[", "]]", "[ [", "] ]", "{", "}", "{ ", " }", "{a=1}", "[1, 2]",
        "[[1], [2]]", "\n", "\n", "\n", "\r\n", " ", "\t", "# note\n", "#", "1_000", "0x1F", "0o17", "0b101", "-3", "+4", "1.5", "1e3", "-0.0", "inf", "-inf", "nan",
        "99999999999999999999", "9223372036854775807", "1979-05-27", "07:32:00", "1979-05-27T07:32:00Z", "\"\"\"x\ny\"\"\"", "'''x\ny'''", "\"\\u0041\"", "\"\\q\"", "\"open", "012", "1__0", "a = 1\n",
        "b.c = 2\n", "[t]\n", "[t.u]\n", "[[p]]\n", "k = [\n 1,\n]\n", "k2 = { x = 1, y.z = 'w' }\n",
    ];

    private static readonly Gen<string> Texts = Gen.Int[0, Fragments.Length - 1].Array[1, 14].Select(picks => string.Concat(picks.Select(i => Fragments[i])));

    [Fact]
    public void What_the_library_refuses_is_refused_and_nothing_else_but_second_definitions()
    {
        int accepted = 0;
        Texts.Sample(
            text =>
            {
                bool refused = IsRefusedByLibrary(text);
                var node = TomlSource.Read(text, out var fault);
                if (fault is not null && fault.Message.EndsWith("is already defined", StringComparison.Ordinal)) return;
                if (!refused) Interlocked.Increment(ref accepted);
                Assert.True(refused == node is null, $"library refuses: {refused}; we say: {fault?.ToString() ?? "fine"}; text:\n{text}");
            },
            iter: 100_000);
        Assert.True(accepted > 1000, $"only {accepted} texts were TOML: nothing was compared");
    }

    private static bool IsRefusedByLibrary(string text)
    {
        try
        {
            return SyntaxParser.Parse(text, new TomlSerializerOptions { MaxDepth = 32 }, "", validate: false).HasErrors;
        }
        catch (TomlException)
        {
            return true;
        }
    }
}
