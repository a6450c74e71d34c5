using System.Text;

namespace Frp.Server;

/// <summary>The keys that follow from the shared token, whatever the method of authentication is.</summary>
/// <remarks>
/// A session keeps the one that it has logged in with until it ends: a server that gets another token drops nobody.
/// <b>Concurrency.</b> Immutable.
/// </remarks>
internal sealed class SessionToken(string token)
{
    /// <summary>UTF-8 of the token, an input of the v2 control keys. Not to be changed.</summary>
    internal byte[] Bytes { get; } = Encoding.UTF8.GetBytes(token);

    /// <summary>Key of the payload encryption and of the v1 control channel. Not to be changed.</summary>
    internal byte[] StreamKey { get; } = Wire.StreamKey.Derive(token);
}
