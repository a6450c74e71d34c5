using Frp.Transport;

namespace Frp.Server;

/// <summary>What stands behind a virtual-host port, and finds out by the first bytes of a connection which proxy it is for.</summary>
internal interface IVhostFront : IAsyncDisposable
{
    /// <summary>Serves one connection until it has been handed on, answered or refused.</summary>
    /// <param name="connection">Ownership passes to the front. Nothing has been read from it.</param>
    /// <param name="cancellationToken">Fires when the server stops.</param>
    /// <remarks><b>Errors.</b> What a peer can do wrong (<see cref="IOException"/>, <see cref="TimeoutException"/>) may be thrown: it is
    /// logged and harms nobody else.</remarks>
    Task ServeAsync(Connection connection, CancellationToken cancellationToken);
}
