using Frp.Wire;

namespace Frp.Proxies;

/// <summary>What one side of an attempt to reach a peer without the server in between may ask of the client. One for each proxy or visitor.</summary>
public interface ITraversalHost
{
    /// <summary>The proxy's name on the wire: the own one's, or that of the visited.</summary>
    string ProxyName { get; }

    /// <summary>The STUN server, <c>host:port</c>.</summary>
    string StunServer { get; }

    /// <summary>The proof of a proxy's secret, now, for the session of the moment.</summary>
    /// <exception cref="IOException">There is no session, or none that a proof could be bound to as the configuration asks for.</exception>
    (long Timestamp, string Proof) ProofOf(string secretKey);

    /// <summary>Asks the server's broker, and waits for its answer, five seconds at most.</summary>
    /// <param name="question">Gets its transaction id here.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="PeerRefusedException">The broker said no.</exception>
    /// <exception cref="IOException">There is no session, it ended, or too many questions wait.</exception>
    /// <exception cref="TimeoutException">No answer in time.</exception>
    ValueTask<NatHoleResp> AskAsync<T>(T question, CancellationToken cancellationToken) where T : Message, ITraversalQuestion;

    /// <summary>Tells the broker how an attempt went.</summary>
    /// <exception cref="IOException">There is no session.</exception>
    ValueTask TellAsync(NatHoleReport report, CancellationToken cancellationToken);
}
