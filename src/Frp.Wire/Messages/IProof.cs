namespace Frp.Wire;

/// <summary>A message that can prove who sends it: by a shared secret, or by a token of an identity provider.</summary>
public interface IProof
{
    /// <summary>The proof; empty where none is asked for.</summary>
    string PrivilegeKey { get; set; }

    /// <summary>Unix seconds by the sender's clock, part of the proof.</summary>
    long Timestamp { get; set; }
}
