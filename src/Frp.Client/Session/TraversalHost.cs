using Frp.Config;
using Frp.Proxies;
using Frp.Wire;

namespace Frp.Client;

/// <summary>A proxy's or visitor's way to the broker: by the session of the moment.</summary>
/// <param name="proxyName">On the wire.</param>
/// <param name="client">The client's configuration.</param>
/// <param name="session">The questions of the session that there is; null while there is none.</param>
/// <param name="time">The clock.</param>
internal sealed class TraversalHost(string proxyName, ClientConfig client, Func<TraversalQuestions?> session, TimeProvider time) : ITraversalHost
{
    public string ProxyName => proxyName;

    public string StunServer => client.NatHoleStunServer;

    private TraversalQuestions Session => session() ?? throw new IOException("there is no session with the server");

    public (long Timestamp, string Proof) ProofOf(string secretKey) => TokenProver.ProofOf(secretKey, client.Auth, Session.Connection, time);

    public ValueTask<NatHoleResp> AskAsync<T>(T question, CancellationToken cancellationToken) where T : Message, ITraversalQuestion => Session.AskAsync(question, cancellationToken);

    public ValueTask TellAsync(NatHoleReport report, CancellationToken cancellationToken) => Session.TellAsync(report, cancellationToken);
}
