using System.Globalization;

namespace Frp.Config;

/// <summary>Addresses as text: <c>host:port</c>, with brackets around IPv6.</summary>
public static class AddressText
{
    /// <summary>Joins a host, which has no brackets, and a port.</summary>
    public static string Join(string host, int port)
    {
        ArgumentNullException.ThrowIfNull(host);
        var number = port.ToString(CultureInfo.InvariantCulture);
        return host.Contains(':', StringComparison.Ordinal) || host.Contains('%', StringComparison.Ordinal) ? $"[{host}]:{number}" : $"{host}:{number}";
    }

    /// <summary>Splits <c>host:port</c>; the host comes without brackets.</summary>
    /// <returns><c>false</c> without a port, with a port that is no number from 0 to 65535, or with colons outside of brackets.</returns>
    public static bool TrySplit(string text, out string host, out int port)
    {
        ArgumentNullException.ThrowIfNull(text);
        (host, port) = ("", 0);
        var colon = text.LastIndexOf(':');
        if (colon < 0 || !ushort.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            return false;
        var name = text.AsSpan(0, colon);
        if (name is ['[', .., ']'])
            name = name[1..^1];
        else if (name.Contains(':'))
            return false;
        if (name.ContainsAny('[', ']'))
            return false;
        (host, port) = (name.ToString(), number);
        return true;
    }
}
