using Frp.Config;
using Frp.Proxies;
using Frp.Transport;
using Microsoft.Extensions.Logging;

namespace Frp.Client;

/// <summary>The client's visitors: their doors open with the first login and stay open until the client stops.</summary>
/// <remarks>
/// <para><b>Ownership.</b> Doors belong to the table's scope, users to the client's, which drains them when the client stops.</para>
/// <para><b>Concurrency.</b> All members may be called from any thread.</para>
/// </remarks>
// Compat: the reference closes the doors while it has no session (docs/COMPAT.md, "visitor listeners").
internal sealed partial class VisitorTable : IAsyncDisposable
{
    private readonly TaskScope _doors;
    private readonly ILogger _logger;
    private readonly List<ManagedVisitor> _visitors;
    private IVisitorSession? _session;
    private int _started;

    internal VisitorTable(ClientConfig config, TaskScope users, ILogger logger, TimeProvider time)
    {
        (Users, _logger, Time) = (users, logger, time);
        _doors = new TaskScope("visitors", (name, e) => Log.Fault(_logger, name, e));
        _visitors = [.. config.Visitors.OrderBy(v => v.Name, StringComparer.Ordinal).Select(v => new ManagedVisitor(v, config, this, logger))];
    }

    /// <summary>Where users are served.</summary>
    internal TaskScope Users { get; }

    /// <summary>The clock.</summary>
    internal TimeProvider Time { get; }

    /// <summary>The session on which visitors connect; null while there is none.</summary>
    internal IVisitorSession? Session => Volatile.Read(ref _session);

    /// <summary>The state of every visitor, in the order of their names.</summary>
    internal IReadOnlyList<VisitorStatus> Statuses => [.. _visitors.Select(v => v.Status)];

    /// <summary>The client has logged in. Opens the doors, the first time.</summary>
    internal void OnSession(IVisitorSession session)
    {
        Volatile.Write(ref _session, session);
        foreach (var visitor in _visitors) visitor.OnSession(session.RunId);
        if (Interlocked.Exchange(ref _started, 1) != 0) return;
        foreach (var visitor in _visitors) _doors.RunChild($"visitor {visitor.Config.Name}", visitor.RunAsync);
        if (_visitors.Count > 0) Log.Added(PrefixLogger.Append(_logger, session.RunId), string.Join(' ', _visitors.Select(v => v.Config.Name)));
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

    private ManagedVisitor? Find(string name) => _visitors.Find(v => v.Config.Name == name);

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "visitor added: [{Names}]")]
        internal static partial void Added(ILogger logger, string names);

        [LoggerMessage(2, LogLevel.Error, "fault in {Work}")]
        internal static partial void Fault(ILogger logger, string work, Exception exception);
    }
}
