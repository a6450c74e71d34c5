using System.Globalization;
using System.Text;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Frp.Config;

/// <summary>What a scalar of YAML 1.1 means: <c>yes</c> is a boolean, <c>010</c> is 8, <c>1_000</c> a thousand, a date a text as it stands.</summary>
internal static class YamlScalars
{
    private const string Core = "tag:yaml.org,2002:";
    public const string MergeTag = Core + "merge";

    /// <summary>Reads a scalar.</summary>
    /// <exception cref="FormatException">It is not what its tag says.</exception>
    public static ConfigNode Read(Scalar scalar)
    {
        var line = (int)Math.Max(scalar.Start.Line, 1);
        var (text, tag) = (scalar.Value, scalar.Tag.IsEmpty ? "" : scalar.Tag.Value);
        if (tag.Length == 0)
            return scalar.Style == ScalarStyle.Plain ? Plain(line, text) : ConfigNode.NewString(line, text);
        if (tag == Core + "binary")
            return ConfigNode.NewString(line, Binary(text));
        if (!tag.StartsWith(Core, StringComparison.Ordinal) || tag[Core.Length..] is not ("int" or "float" or "bool" or "null"))
            return ConfigNode.NewString(line, text);
        var node = Plain(line, text);
        return (tag[Core.Length..], node.Kind) switch
        {
            ("int", ConfigNodeKind.Integer) or ("float", ConfigNodeKind.Float) or ("bool", ConfigNodeKind.Boolean) or ("null", ConfigNodeKind.Null) => node,
            ("float", ConfigNodeKind.Integer) => node,
            _ => throw Mismatch(text, tag[Core.Length..]),
        };
    }

    private static ConfigNode Plain(int line, string text)
    {
        switch (text)
        {
            case "" or "~" or "null" or "Null" or "NULL":
                return ConfigNode.NewNull(line);
            case "y" or "Y" or "yes" or "Yes" or "YES" or "on" or "On" or "ON" or "true" or "True" or "TRUE":
                return ConfigNode.NewBoolean(line, true);
            case "n" or "N" or "no" or "No" or "NO" or "off" or "Off" or "OFF" or "false" or "False" or "FALSE":
                return ConfigNode.NewBoolean(line, false);
            case ".inf" or ".Inf" or ".INF" or "+.inf" or "+.Inf" or "+.INF" or "-.inf" or "-.Inf" or "-.INF" or ".nan" or ".NaN" or ".NAN":
                return ConfigNode.NewFloat(line, text);
        }
        return text[0] is '+' or '-' or '.' or (>= '0' and <= '9') ? Number(line, text) : ConfigNode.NewString(line, text);
    }

    private static ConfigNode Number(int line, string text)
    {
        // Behind a leading point underscores stand between digits or nowhere; elsewhere anywhere.
        if (text[0] == '.' && !HasSeparatingUnderscores(text))
            return ConfigNode.NewString(line, text);
        var plain = text.Replace("_", "", StringComparison.Ordinal);
        if (GoNumber.TryInteger(plain, out var integer))
            return ConfigNode.NewInteger(line, integer, integer.ToString(CultureInfo.InvariantCulture));
        if (GoNumber.TryUnsigned(plain, out var unsigned))
            return ConfigNode.NewFloat(line, unsigned.ToString(CultureInfo.InvariantCulture));
        return GoNumber.TryFloat(plain, out var number)
            ? ConfigNode.NewNumber(line, number) : ConfigNode.NewString(line, text);
    }

    private static bool HasSeparatingUnderscores(string text)
    {
        for (var i = 0; i < text.Length; i++)
            if (text[i] == '_' && !(char.IsAsciiDigit(text[i - 1]) && i + 1 < text.Length && char.IsAsciiDigit(text[i + 1])))
                return false;
        return true;
    }

    private static string Binary(string text)
    {
        try
        {
            return Encoding.UTF8.GetString(Convert.FromBase64String(text));
        }
        catch (FormatException e)
        {
            throw new FormatException("!!binary value contains invalid base64 data", e);
        }
    }

    private static FormatException Mismatch(string text, string tag) => new($"cannot decode `{text}` as a !!{tag}");
}

