using System.Text;

namespace Frp.Web;

/// <summary>How the field <c>Connection</c> of a request is read: so that its options survive until we look at them.</summary>
/// <remarks>
/// <para>The HTTP server knows three options. A field in which it finds exactly one of them it replaces by that option, before anybody else
/// has seen the rest; and the rest names fields that must not be passed on (RFC 9110 §7.6.1). What we choose is only how octets become text. So
/// a field with other options is read as one with none of the three or with two, which mean the same: who closes does not keep alive,
/// and who upgrades goes on.</para>
/// <para>What this costs: an HTTP/1.0 user who names other fields beside <c>keep-alive</c> is not kept alive.</para>
/// </remarks>
internal sealed class ConnectionField : Encoding
{
    private const string KeepAlive = "keep-alive";
    private const string Close = "close";
    private const string Upgrade = "upgrade";

    internal static readonly ConnectionField Reading = new();

    private ConnectionField()
    {
    }

    /// <summary>What is read for a field's value.</summary>
    internal static string TextOf(ReadOnlySpan<byte> value)
    {
        string text = Latin1.GetString(value);
        // Alone they are left alone, since both mean something else to HTTP/1.0.
        if (text.Equals(KeepAlive, StringComparison.OrdinalIgnoreCase) || text.Equals(Upgrade, StringComparison.OrdinalIgnoreCase)) return text;
        string[] options = text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        bool Has(string option) => options.Contains(option, StringComparer.OrdinalIgnoreCase);
        if (Has(Close) || Has(Upgrade)) return $"{KeepAlive}, {text}";
        return Has(KeepAlive) && options.Length > 1 ? string.Join(", ", options.Where(o => !o.Equals(KeepAlive, StringComparison.OrdinalIgnoreCase))) : text;
    }

    public override int GetCharCount(byte[] bytes, int index, int count) => TextOf(bytes.AsSpan(index, count)).Length;

    public override int GetChars(byte[] bytes, int byteIndex, int byteCount, char[] chars, int charIndex)
    {
        string text = TextOf(bytes.AsSpan(byteIndex, byteCount));
        text.CopyTo(chars.AsSpan(charIndex));
        return text.Length;
    }

    // Options apart by a comma alone come back apart by a comma and a blank.
    public override int GetMaxCharCount(int byteCount) => 2 * byteCount + KeepAlive.Length + 2;

    public override int GetByteCount(char[] chars, int index, int count) => throw new NotSupportedException();

    public override int GetBytes(char[] chars, int charIndex, int charCount, byte[] bytes, int byteIndex) => throw new NotSupportedException();

    public override int GetMaxByteCount(int charCount) => throw new NotSupportedException();
}
