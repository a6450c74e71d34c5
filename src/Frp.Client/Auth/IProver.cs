using Frp.Wire;

namespace Frp.Client;

/// <summary>Puts into messages what proves who we are: the one thing that methods of authentication differ in.</summary>
/// <remarks>
/// <para>Heartbeats and work connections carry a proof when the additional scopes ask for one.</para>
/// <para><b>Concurrency.</b> All members may be called from any thread. <b>Ownership.</b> The client's.</para>
/// </remarks>
internal interface IProver : IDisposable
{
    /// <summary>Fills in a login.</summary>
    /// <exception cref="IOException">There is no proof to be had; the text says why, without a secret.</exception>
    ValueTask ProveAsync(Login login, CancellationToken cancellationToken);

    /// <summary>Fills in a heartbeat.</summary>
    /// <inheritdoc cref="ProveAsync(Login, CancellationToken)"/>
    ValueTask ProveAsync(Ping ping, CancellationToken cancellationToken);

    /// <summary>Fills in a work connection.</summary>
    /// <inheritdoc cref="ProveAsync(Login, CancellationToken)"/>
    ValueTask ProveAsync(NewWorkConn message, CancellationToken cancellationToken);

    /// <summary>The server has refused a login: what is kept for several messages must not be offered again.</summary>
    void OnRefused();
}
