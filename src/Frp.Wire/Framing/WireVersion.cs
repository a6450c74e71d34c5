namespace Frp.Wire;

/// <summary>Which framing a logical connection speaks.</summary>
public enum WireVersion
{
    /// <summary>Type byte, length, JSON. Spoken by every release.</summary>
    V1 = 1,
    /// <summary>Opens with a magic, frames with ids, authenticated encryption on the control connection. Since 0.69.</summary>
    V2 = 2,
}

/// <summary>The bytes by which a client announces v2 framing at the start of every logical connection.</summary>
public static class WireMagic
{
    /// <summary>Number of bytes that decide.</summary>
    public const int Length = 7;

    /// <summary>ASCII <c>FRP</c>, NUL, 2, CR, LF. Sent by the client only and never repeated inside a connection.</summary>
    public static ReadOnlySpan<byte> V2 => [0x46, 0x52, 0x50, 0x00, 0x02, 0x0d, 0x0a];

    /// <summary>
    /// What the first bytes of a logical connection say; null while more are needed. No v1 message begins with <c>F</c>, so one
    /// byte already decides for v1.
    /// </summary>
    /// <remarks>Whoever has V2 takes the <see cref="Length"/> bytes off; in V1 they belong to the first message.</remarks>
    public static WireVersion? Detect(ReadOnlySpan<byte> first)
    {
        var have = Math.Min(first.Length, Length);
        if (!first[..have].SequenceEqual(V2[..have])) return WireVersion.V1;
        return have == Length ? WireVersion.V2 : null;
    }
}
