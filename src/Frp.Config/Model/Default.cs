namespace Frp.Config;

/// <summary>The default rule: zero means unset.</summary>
public static class Default
{
    private const int DefaultUdpPacketSize = 1500;

    // The longest that timers of the platform can take is 49 days. Nobody sees the difference.
    private const int MaxSeconds = 45 * 24 * 60 * 60;

    /// <summary>The value, or the default when it is empty.</summary>
    public static string Of(string value, string fallback) => string.IsNullOrEmpty(value) ? fallback : value;

    /// <summary>The value, or the default when it is zero.</summary>
    public static int Of(int value, int fallback) => value == 0 ? fallback : value;

    /// <summary>A time that something may take, at most 45 days. A negative number cannot mean "for ever" here and counts as unset.</summary>
    public static TimeSpan Deadline(int seconds, int fallbackSeconds) => TimeSpan.FromSeconds(seconds > 0 ? Math.Min(seconds, MaxSeconds) : fallbackSeconds);

    /// <summary>The period of a timer, at most 45 days; <c>null</c> = off: negative numbers switch timers off.</summary>
    public static TimeSpan? Timer(int seconds) => seconds > 0 ? TimeSpan.FromSeconds(Math.Min(seconds, MaxSeconds)) : null;

    /// <summary>Bytes of a datagram: nothing is larger than UDP allows.</summary>
    internal static int UdpPacketSize(int bytes) => bytes <= 0 ? DefaultUdpPacketSize : Math.Min(bytes, ushort.MaxValue);
}

/// <summary>Checks that several options share.</summary>
internal static class Check
{
    public static void Port(ConfigErrors errors, string key, int port, string? name = null)
    {
        if (port is < 0 or > 65535)
            errors.Add(key, $"{name ?? key}: port number {port} must be in the range 0..65535");
    }
}
