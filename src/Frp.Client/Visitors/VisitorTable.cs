using Frp.Config;
using Frp.Proxies;
using Frp.Transport;
using Microsoft.Extensions.Logging;

namespace Frp.Client;

/// <summary>The client's visitors: their doors open with the first login and stay open until they are wanted no more, or the client stops.</summary>
/// <remarks>
/// <para><b>Ownership.</b> Doors belong to the table's scope, users to the client's, which drains them when the client stops.</para>
/// <para><b>Concurrency.</b> All members may be called from any thread; <see cref="Prepare"/> and <see cref="ApplyAsync"/> by one at a time. Readers take a snapshot.</para>
/// </remarks>
// Compat: the reference closes the doors while it has no session (docs/COMPAT.md, "visitor listeners").
internal sealed partial class VisitorTable : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private readonly ClientConfig _client;
    private readonly EntryJson _json = new(ProxyKinds.Catalog);
    private readonly TaskScope _doors;
    private readonly ILogger _logger;
    private Dictionary<string, ManagedVisitor> _visitors; // replaced, never changed
    private IVisitorSession? _session;
    private bool _started;

    internal VisitorTable(ClientConfig client, TaskScope users, ILogger logger, TimeProvider time)
    {
        (_client, Users, _logger, Time) = (client, users, logger, time);
        _doors = new TaskScope("visitors", (name, e) => Log.Fault(_logger, name, e));
        _visitors = client.Visitors.ToDictionary(v => v.Name, v => new ManagedVisitor(v, client, this, logger), StringComparer.Ordinal);
    }

    /// <summary>Where users are served.</summary>
    internal TaskScope Users { get; }

    /// <summary>The clock.</summary>
    internal TimeProvider Time { get; }

    /// <summary>The session on which visitors connect; null while there is none.</summary>
    internal IVisitorSession? Session => Volatile.Read(ref _session);

    /// <summary>The state of every visitor, in the order of their names.</summary>
    internal IReadOnlyList<VisitorStatus> Statuses => [.. InOrder(Volatile.Read(ref _visitors).Values).Select(v => v.Status)];

    /// <summary>Makes what is wanted, as far as that can fail; nothing has changed yet. Visitors that are wanted as they are stay the same objects.</summary>
    /// <param name="wanted">Completed and valid, names unique.</param>
    /// <returns>For <see cref="ApplyAsync"/>.</returns>
    internal Dictionary<string, ManagedVisitor> Prepare(IReadOnlyList<VisitorConfig> wanted)
    {
        var old = _visitors;
        var next = new Dictionary<string, ManagedVisitor>(StringComparer.Ordinal);
        foreach (var config in wanted)
        {
            bool isKept = old.TryGetValue(config.Name, out var visitor) && _json.AreSame(visitor.Config, config);
            next.Add(config.Name, isKept ? visitor! : new ManagedVisitor(config, _client, this, _logger));
        }
        return next;
    }

    /// <summary>Changes the table to what has been prepared. Visitors that stay notice nothing.</summary>
    /// <param name="next">What <see cref="Prepare"/> has made of the table as it is.</param>
    internal async Task ApplyAsync(Dictionary<string, ManagedVisitor> next)
    {
        var old = _visitors;
        var removed = old.Values.Except(next.Values).ToList();
        // First, since a door may be wanted where one has been.
        foreach (var visitor in removed) await visitor.CloseAsync(_doors.Stopping);
        var added = next.Values.Except(old.Values).ToList();
        bool opens;
        lock (_lock)
        {
            Volatile.Write(ref _visitors, next);
            opens = _started;
        }
        Tell(removed, opens ? added : []);
        if (!opens) return;
        foreach (var visitor in InOrder(added)) Open(visitor);
    }

    /// <summary>The client has logged in. Opens the doors, the first time.</summary>
    internal void OnSession(IVisitorSession session)
    {
        Volatile.Write(ref _session, session);
        Dictionary<string, ManagedVisitor> visitors;
        bool opens;
        lock (_lock)
        {
            visitors = _visitors;
            (opens, _started) = (!_started, true);
        }
        foreach (var visitor in visitors.Values) visitor.OnSession(session.RunId);
        if (!opens) return;
        Tell([], [.. visitors.Values]);
        foreach (var visitor in InOrder(visitors.Values)) Open(visitor);
    }

    /// <summary>The session is gone. The doors stay open; users find out that there is nobody to connect them.</summary>
    internal void OnSessionLost() => Volatile.Write(ref _session, null);

    /// <summary>Gives a user to a visitor.</summary>
    /// <param name="name">The visitor's name in the configuration.</param>
    /// <param name="user">The user's connection. Ownership passes to the visitor, unless this returns false.</param>
    /// <returns>False when there is no such visitor, or it does not take streams.</returns>
    internal bool TryHandOver(string name, Connection user)
    {
        if (Find(name)?.Visitor is not IStreamVisitor visitor) return false;
        visitor.Serve(user);
        return true;
    }

    /// <summary>Waits until a visitor's door has been opened.</summary>
    /// <exception cref="ArgumentException">There is no such visitor.</exception>
    internal Task WaitUntilOpenAsync(string name, CancellationToken cancellationToken) =>
        (Find(name) ?? throw new ArgumentException($"there is no visitor [{name}]", nameof(name))).WaitUntilOpenAsync(cancellationToken);

    /// <summary>Closes the doors; users stay.</summary>
    public ValueTask DisposeAsync() => _doors.DisposeAsync();

    /// <summary>The visitor with this name in the configuration.</summary>
    internal ManagedVisitor? Find(string name) => Volatile.Read(ref _visitors).GetValueOrDefault(name);

    private void Open(ManagedVisitor visitor)
    {
        if (Session is { } session) visitor.OnSession(session.RunId);
        visitor.Open(_doors);
    }

    private void Tell(List<ManagedVisitor> removed, List<ManagedVisitor> added)
    {
        var logger = Session is { } session ? PrefixLogger.Append(_logger, session.RunId) : _logger;
        if (removed.Count > 0) Log.Removed(logger, string.Join(' ', InOrder(removed).Select(v => v.Config.Name)));
        if (added.Count > 0) Log.Added(logger, string.Join(' ', InOrder(added).Select(v => v.Config.Name)));
    }

    private static IEnumerable<ManagedVisitor> InOrder(IEnumerable<ManagedVisitor> visitors) => visitors.OrderBy(v => v.Config.Name, StringComparer.Ordinal);

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "visitor added: [{Names}]")]
        internal static partial void Added(ILogger logger, string names);

        [LoggerMessage(3, LogLevel.Information, "visitor removed: [{Names}]")]
        internal static partial void Removed(ILogger logger, string names);

        [LoggerMessage(2, LogLevel.Error, "fault in {Work}")]
        internal static partial void Fault(ILogger logger, string work, Exception exception);
    }
}
