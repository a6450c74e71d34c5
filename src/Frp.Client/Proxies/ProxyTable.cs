using Frp.Config;
using Frp.Proxies;
using Frp.Transport;
using Frp.Wire;
using Microsoft.Extensions.Logging;

namespace Frp.Client;

/// <summary>The client's proxies: which there are now, over all sessions and reloads.</summary>
/// <remarks>
/// <para>Readers take a snapshot and need no lock. <see cref="Apply"/> swaps it: proxies that are wanted as they are stay the same objects and
/// notice nothing. The session asks for what is <see cref="Due"/> whenever it is woken.</para>
/// <para><b>Ownership.</b> Owns the proxies and their health checks. A proxy that is taken out ends when its last user has left.</para>
/// <para><b>Concurrency.</b> All members may be called from any thread; <see cref="Apply"/> by one at a time. One lock around the swap and what the
/// session has to be told, never held across a wait.</para>
/// </remarks>
internal sealed partial class ProxyTable : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private readonly ClientConfig _client;
    private readonly EntryJson _json = new(ProxyKinds.Catalog);
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly Wakening _wakening;
    private readonly TaskScope _checks;
    private readonly TaskScope _retiring;
    private readonly List<Message> _farewells = []; // of proxies that are gone, for the session that knows them
    private readonly Dictionary<string, int> _unanswered = new(StringComparer.Ordinal); // registrations of proxies that are gone, in this session
    private Snapshot _current;
    private string? _runId;
    private TraversalQuestions? _traversal; // of the session
    private bool _watches;
    private bool _withdrawn;

    /// <summary>Prepares a table.</summary>
    /// <param name="client">The common options, and the first proxies.</param>
    /// <param name="logger">The proxies' log.</param>
    /// <param name="time">The clock.</param>
    /// <param name="wakening">Tells the session that something is due.</param>
    /// <param name="stopping">Ends the health checks.</param>
    internal ProxyTable(ClientConfig client, ILogger logger, TimeProvider time, Wakening wakening, CancellationToken stopping)
    {
        (_client, _logger, _time, _wakening) = (client, logger, time, wakening);
        _checks = new TaskScope("health checks", (name, e) => Log.Fault(_logger, name, e), stopping);
        _retiring = new TaskScope("closed proxies", (name, e) => Log.Fault(_logger, name, e));
        _current = new Snapshot([.. client.Proxies.OrderBy(c => c.Name, StringComparer.Ordinal).Select(New)]);
    }

    /// <summary>Whether the client is logged in.</summary>
    internal bool HasSession => Volatile.Read(ref _runId) is not null;

    /// <summary>The proxies, in the order of their names.</summary>
    internal IReadOnlyList<ManagedProxy> All => Volatile.Read(ref _current).All;

    /// <summary>The proxy with this name in the configuration.</summary>
    internal ManagedProxy? FindByName(string name) => FindByWireName(ProxyKind.WireName(_client.User, name));

    /// <summary>The proxy with this name on the wire.</summary>
    internal ManagedProxy? FindByWireName(string wireName) => Volatile.Read(ref _current).ByWireName.GetValueOrDefault(wireName);

    /// <summary>Starts to watch the local services that are to be watched.</summary>
    internal void WatchHealth()
    {
        Volatile.Write(ref _watches, true);
        WatchHealth(All);
    }

    /// <summary>Changes the table to what is wanted. Either all of it happens or, with an exception, nothing.</summary>
    /// <param name="wanted">Completed and valid, names unique.</param>
    /// <exception cref="IOException">The client is stopping.</exception>
    internal void Apply(IReadOnlyList<ProxyConfig> wanted)
    {
        var added = new List<ManagedProxy>();
        var next = new List<ManagedProxy>(wanted.Count);
        foreach (var config in wanted.OrderBy(c => c.Name, StringComparer.Ordinal))
        {
            if (FindByName(config.Name) is not { } proxy || !_json.AreSame(proxy.Config, config))
            {
                proxy = New(config);
                added.Add(proxy);
            }
            next.Add(proxy);
        }
        var removed = All.Except(next).ToList();
        Swap(next, added, removed);
        foreach (var proxy in removed)
        {
            proxy.EndWaits();
            _retiring.RunChild("closed proxy", _ => proxy.RetireAsync());
        }
        if (Volatile.Read(ref _watches)) WatchHealth(added);
        TellRemoved(removed);
        if (Volatile.Read(ref _runId) is { } runId) TellAdded(added, runId); // without a session they are told when there is one
        _wakening.Wake();
    }

    /// <summary>A session has begun, in which nothing is registered.</summary>
    /// <param name="runId">Its id.</param>
    /// <param name="traversal">Its questions to the server's broker.</param>
    internal void OnSession(string runId, TraversalQuestions? traversal = null)
    {
        IReadOnlyList<ManagedProxy> all;
        lock (_lock)
        {
            (_runId, _traversal) = (runId, traversal);
            _farewells.Clear();
            _unanswered.Clear();
            all = _current.All;
            foreach (var proxy in all) proxy.Reset(runId);
        }
        TellAdded(all, runId);
    }

    /// <summary>The session is gone, and with it what was registered in it.</summary>
    internal void OnSessionLost()
    {
        lock (_lock)
        {
            (_runId, _traversal) = (null, null);
            foreach (var proxy in _current.All) proxy.OnSessionLost();
        }
    }

    /// <summary>What to send now. To be asked and sent by one task at a time.</summary>
    internal IEnumerable<Message> Due()
    {
        Message[] farewells;
        IReadOnlyList<ManagedProxy> all;
        // In one go: a proxy that takes another one's place is registered behind the end of the other.
        lock (_lock)
        {
            farewells = [.. _farewells];
            _farewells.Clear();
            all = _current.All;
        }
        foreach (var message in farewells) yield return message;
        foreach (var proxy in all)
        {
            // Two at most: its end, and that it is there again.
            while (proxy.Due() is { } message) yield return message;
        }
    }

    /// <summary>The server has answered a registration.</summary>
    internal void OnAnswer(NewProxyResp answer)
    {
        ManagedProxy? proxy;
        lock (_lock)
        {
            if (_current.ByWireName.TryGetValue(answer.ProxyName, out proxy))
            {
                if (!proxy.Accept(answer)) return;
            }
            else if (_unanswered.TryGetValue(answer.ProxyName, out int unanswered))
            {
                if (unanswered > 1) _unanswered[answer.ProxyName] = unanswered - 1;
                else _unanswered.Remove(answer.ProxyName);
            }
        }
        proxy?.Announce(answer);
    }

    /// <summary>Takes all proxies from the server: no more users come. Nothing is added from here on.</summary>
    /// <returns>What the server has to be told.</returns>
    internal IReadOnlyList<Message> Withdraw()
    {
        List<Message> messages;
        IReadOnlyList<ManagedProxy> all;
        lock (_lock)
        {
            _withdrawn = true;
            messages = [.. _farewells];
            _farewells.Clear();
            all = _current.All;
            foreach (var proxy in all)
            {
                if (proxy.Close().IsRegistered) messages.Add(FarewellTo(proxy));
            }
        }
        foreach (var proxy in all)
        {
            proxy.EndWaits();
            proxy.EndIdleUsers();
        }
        return messages;
    }

    /// <summary>Ends the proxies. Their users are gone by now.</summary>
    public async ValueTask DisposeAsync()
    {
        Withdraw();
        await _checks.DisposeAsync();
        await _retiring.DisposeAsync();
        foreach (var proxy in All) await proxy.DisposeAsync();
    }

    private void Swap(List<ManagedProxy> next, List<ManagedProxy> added, List<ManagedProxy> removed)
    {
        lock (_lock)
        {
            if (_withdrawn) throw new IOException("the client is stopping");
            foreach (var proxy in removed)
            {
                var (isRegistered, unanswered) = proxy.Close();
                if (_runId is null) continue;
                if (isRegistered) _farewells.Add(FarewellTo(proxy));
                if (unanswered > 0) _unanswered[proxy.Registration.ProxyName] = unanswered;
            }
            foreach (var proxy in added)
            {
                if (_runId is null) continue;
                _unanswered.Remove(proxy.Registration.ProxyName, out int unanswered);
                proxy.Reset(_runId, unanswered);
            }
            Volatile.Write(ref _current, new Snapshot(next));
        }
    }

    private static CloseProxy FarewellTo(ManagedProxy proxy) => new() { ProxyName = proxy.Registration.ProxyName };

    private void WatchHealth(IEnumerable<ManagedProxy> proxies)
    {
        foreach (var proxy in proxies) _checks.RunChild("health check", proxy.WatchHealthAsync);
    }

    private ManagedProxy New(ProxyConfig config) => new(config, _client, _logger, _time, _wakening.Wake) { Broker = () => Volatile.Read(ref _traversal) };

    private void TellAdded(IReadOnlyList<ManagedProxy> proxies, string runId)
    {
        if (proxies.Count > 0) Log.Added(PrefixLogger.Append(_logger, runId), string.Join(' ', proxies.Select(p => p.Config.Name)));
        foreach (var proxy in proxies) proxy.TellUnserved();
    }

    private void TellRemoved(List<ManagedProxy> proxies)
    {
        if (proxies.Count == 0) return;
        var logger = Volatile.Read(ref _runId) is { } runId ? PrefixLogger.Append(_logger, runId) : _logger;
        Log.Removed(logger, string.Join(' ', proxies.Select(p => p.Config.Name)));
    }

    // Immutable.
    private sealed class Snapshot(List<ManagedProxy> all)
    {
        internal IReadOnlyList<ManagedProxy> All => all;

        internal Dictionary<string, ManagedProxy> ByWireName { get; } = all.ToDictionary(p => p.Registration.ProxyName, StringComparer.Ordinal);
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "proxy added: [{Names}]")]
        internal static partial void Added(ILogger logger, string names);

        [LoggerMessage(2, LogLevel.Information, "proxy removed: [{Names}]")]
        internal static partial void Removed(ILogger logger, string names);

        [LoggerMessage(3, LogLevel.Error, "fault in {Work}")]
        internal static partial void Fault(ILogger logger, string work, Exception exception);
    }
}
