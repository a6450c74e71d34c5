using System.Globalization;

namespace Frp.Server;

/// <summary>The registry of a server that stands alone: two dictionaries under one lock.</summary>
internal sealed class LocalIngressRegistry(TimeProvider time) : IIngressRegistry
{
    // Source: configuration specification §5.1. A reservation is kept for a day after its port was released.
    private static readonly TimeSpan Memory = TimeSpan.FromHours(24);
    private const int MaxRemembered = 65_536;

    private readonly Lock _lock = new();
    private readonly Dictionary<IngressKey, string> _claims = [];
    private readonly Dictionary<(IngressKind, string Owner), (int Port, DateTimeOffset Released)> _lastPorts = [];

    public IDisposable? TryClaim(IngressKey key, string owner)
    {
        lock (_lock)
        {
            return _claims.TryAdd(key, owner) ? new Claim(this, key, owner) : null;
        }
    }

    public int? LastPort(IngressKind kind, string owner)
    {
        lock (_lock)
        {
            if (!_lastPorts.TryGetValue((kind, owner), out var last)) return null;
            if (time.GetUtcNow() - last.Released < Memory) return last.Port;
            _lastPorts.Remove((kind, owner));
            return null;
        }
    }

    public bool IsClaimed(IngressKey key)
    {
        lock (_lock)
        {
            return _claims.ContainsKey(key);
        }
    }

    private void Release(IngressKey key, string owner)
    {
        lock (_lock)
        {
            if (!_claims.Remove(key) || key.Kind is not (IngressKind.TcpPort or IngressKind.UdpPort)) return;
            if (_lastPorts.Count >= MaxRemembered) ForgetOldest();
            _lastPorts[(key.Kind, owner)] = (int.Parse(key.Value, CultureInfo.InvariantCulture), time.GetUtcNow());
        }
    }

    private void ForgetOldest()
    {
        var now = time.GetUtcNow();
        foreach (var (name, last) in _lastPorts)
        {
            if (now - last.Released >= Memory) _lastPorts.Remove(name);
        }
        if (_lastPorts.Count >= MaxRemembered) _lastPorts.Remove(_lastPorts.MinBy(entry => entry.Value.Released).Key);
    }

    private sealed class Claim(LocalIngressRegistry registry, IngressKey key, string owner) : IDisposable
    {
        private int _released;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _released, 1) == 0) registry.Release(key, owner);
        }
    }
}
