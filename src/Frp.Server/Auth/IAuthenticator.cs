using Frp.Proxies;
using Frp.Transport;
using Frp.Wire;

namespace Frp.Server;

/// <summary>Judges who may log in: the one thing that methods of authentication differ in.</summary>
/// <remarks><b>Concurrency.</b> Any number of logins at a time.</remarks>
internal interface IAuthenticator
{
    /// <summary>Judges a login.</summary>
    /// <param name="login">The login, with its proof.</param>
    /// <param name="connection">What it came by.</param>
    /// <param name="cancellationToken">Gives up; whatever waits for somebody else in here has a deadline besides.</param>
    /// <returns>Who judges what the session sends from then on. The session's until it ends, whatever is reloaded meanwhile.</returns>
    /// <exception cref="PeerRefusedException">The proof is wrong.</exception>
    ValueTask<ISessionProofs> AdmitAsync(Login login, Connection connection, CancellationToken cancellationToken);
}

/// <summary>Judges what a session sends after its login, as far as the additional scopes ask for that.</summary>
/// <remarks><b>Concurrency.</b> Any number of messages at a time.</remarks>
internal interface ISessionProofs
{
    /// <summary>Judges a heartbeat, which came by the control connection.</summary>
    /// <exception cref="PeerRefusedException">The proof is wrong.</exception>
    ValueTask VerifyAsync(Ping ping, Connection connection, CancellationToken cancellationToken);

    /// <summary>Judges a work connection by its first message.</summary>
    /// <exception cref="PeerRefusedException">The proof is wrong.</exception>
    ValueTask VerifyAsync(NewWorkConn message, Connection connection, CancellationToken cancellationToken);
}
