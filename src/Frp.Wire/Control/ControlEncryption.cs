namespace Frp.Wire;

/// <summary>The encrypted messages that follow a login on a control connection.</summary>
/// <remarks>
/// Each call takes over from the clear exchange: bytes that it read too many come first, and the result owns the stream below.
/// Neither side sends or expects anything before the first message of a direction.
/// </remarks>
public static class ControlEncryption
{
    /// <summary>v1: AES-128-CFB under the token's key. Unconditional, also under TLS.</summary>
    /// <param name="clear">Where Login and LoginResp were exchanged; not to be used any more.</param>
    /// <param name="key">See <see cref="StreamKey"/>.</param>
    public static MessageStream OpenV1(MessageStream clear, ReadOnlySpan<byte> key)
    {
        ArgumentNullException.ThrowIfNull(clear);
        return new MessageStream(new CfbStream(TakeOver(clear), key), V1Codec.Instance, ownsStream: true);
    }

    /// <summary>v2: authenticated encryption under the negotiated keys.</summary>
    /// <param name="clear">Where the hellos, Login and LoginResp were exchanged; not to be used any more.</param>
    /// <param name="keys">What the hellos came to.</param>
    /// <param name="isServer">Which end this is.</param>
    public static MessageStream OpenV2(MessageStream clear, ControlKeys keys, bool isServer)
    {
        ArgumentNullException.ThrowIfNull(clear);
        return new MessageStream(new AeadStream(TakeOver(clear), keys, isServer), V2Codec.Session, ownsStream: true);
    }

    private static Stream TakeOver(MessageStream clear) => PrefixedStream.Wrap(clear.Stream, clear.TakeSurplus());
}
