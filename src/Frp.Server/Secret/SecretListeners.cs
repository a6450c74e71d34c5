using System.Collections.Concurrent;
using Frp.Proxies;
using Frp.Transport;
using Frp.Wire;

namespace Frp.Server;

/// <summary>The secret proxies by name, and who may come to them.</summary>
/// <remarks><b>Concurrency.</b> All members may be called from any thread; none waits.</remarks>
internal sealed class SecretListeners(IIngressRegistry ingress)
{
    private readonly ConcurrentDictionary<string, SecretListener> _byName = new(StringComparer.Ordinal);

    /// <summary>Opens the entrance of a proxy.</summary>
    /// <param name="entrance">Whose it is, and who may come.</param>
    /// <exception cref="PeerRefusedException">The name is taken.</exception>
    internal SecretListener Listen(SecretEntrance entrance)
    {
        string name = entrance.Owner.ProxyName;
        var claim = ingress.TryClaim(new IngressKey(IngressKind.SecretName, name), name) ?? throw new PeerRefusedException($"custom listener for [{name}] is repeated");
        var listener = new SecretListener(this, claim, entrance);
        _byName[name] = listener;
        return listener;
    }

    /// <summary>Checks a visitor (wire specification §16.3, in this order).</summary>
    /// <param name="visitor">What it says.</param>
    /// <param name="connection">What it came by.</param>
    /// <param name="user">The user of its session; empty for visitors without one.</param>
    /// <param name="proofs">Judges its proof.</param>
    /// <returns>The entrance that it wants.</returns>
    /// <exception cref="PeerRefusedException">It may not come.</exception>
    internal SecretListener Admit(NewVisitorConn visitor, Connection connection, string user, SecretProofs proofs)
    {
        bool found = _byName.TryGetValue(visitor.ProxyName, out var listener);
        // A name that nobody has costs as much as a wrong key: where the texts do not tell them apart, the time does not either.
        bool proven = proofs.IsRight(visitor.SignKey, listener?.Entrance.SecretKey ?? "", visitor.Timestamp, connection);
        if (!found) throw new PeerRefusedException($"custom listener for [{visitor.ProxyName}] doesn't exist");
        if (!proven) throw new PeerRefusedException($"visitor connection of [{visitor.ProxyName}] auth failed{(proofs.HintOf(visitor.SignKey, connection) is { } hint ? $" ({hint})" : "")}");
        proofs.CheckTime(visitor.Timestamp, "NewVisitorConn");
        if (!listener!.Entrance.Admits(user)) throw new PeerRefusedException($"visitor connection of [{visitor.ProxyName}] user [{user}] not allowed");
        listener.CheckRoom();
        return listener;
    }

    /// <summary>Forgets an entrance. Its claim is given back after this, so that nobody else can have the name yet.</summary>
    internal void Remove(SecretListener listener) => _byName.TryRemove(KeyValuePair.Create(listener.Owner.ProxyName, listener));
}
