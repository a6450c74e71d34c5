using Frp.Transport;
using Frp.Wire;

namespace Frp.Client;

/// <summary>Puts into messages what proves who we are: the one thing that methods of authentication differ in.</summary>
/// <remarks>
/// <para>Heartbeats and work connections carry a proof when the additional scopes ask for one. Every message goes through both methods.</para>
/// <para><b>Concurrency.</b> All members may be called from any thread. <b>Ownership.</b> The client's.</para>
/// </remarks>
internal interface IProver : IDisposable
{
    /// <summary>Gets whatever the proof in a message needs, before there is a connection to send it on: that may take a while, and servers do not wait long.</summary>
    /// <exception cref="IOException">There is no proof to be had; the text says why, without a secret.</exception>
    ValueTask ProveAsync(IProof message, CancellationToken cancellationToken);

    /// <summary>Completes the proof for the connection that the message is about to be sent on. Takes no time.</summary>
    /// <exception cref="IOException">It is to be good for this connection only, and the connection has no TLS.</exception>
    void Bind(IProof message, Connection connection);

    /// <summary>The server has refused a login: what is kept for several messages must not be offered again.</summary>
    void OnRefused();
}
