using System.Diagnostics.CodeAnalysis;
using Frp.Proxies;

namespace Frp.Server;

/// <summary>The control sessions by run ID, and who of them speaks for which client ID.</summary>
/// <remarks>
/// One lock, never held across a wait. Identity is the session itself, never its run ID: a session that was replaced cannot
/// remove its successor.
/// </remarks>
internal sealed class SessionRegistry
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, ControlSession> _byRunId = [];
    private bool _closed;

    /// <summary>Sessions that are registered.</summary>
    internal int Count
    {
        get
        {
            lock (_lock) return _byRunId.Count;
        }
    }

    /// <summary>Makes a session the current one of its run ID.</summary>
    /// <returns>The session that it replaces.</returns>
    internal ControlSession? Swap(ControlSession newcomer)
    {
        lock (_lock)
        {
            _byRunId.TryGetValue(newcomer.RunId, out var predecessor);
            _byRunId[newcomer.RunId] = newcomer;
            return predecessor;
        }
    }

    /// <summary>Checks, when the predecessor is gone, that the newcomer may become active.</summary>
    /// <exception cref="PeerRefusedException">A still newer login has overtaken it, or its client ID is online under another run ID.</exception>
    internal void Confirm(ControlSession newcomer)
    {
        lock (_lock)
        {
            if (_closed) throw new PeerRefusedException("the server is stopping");
            if (!_byRunId.TryGetValue(newcomer.RunId, out var current) || current != newcomer) throw new PeerRefusedException("control was replaced during login");
            if (newcomer.Login.ClientId.Length == 0) return;
            foreach (var other in _byRunId.Values)
            {
                if (other != newcomer && other.Login.ClientId == newcomer.Login.ClientId && other.Login.User == newcomer.Login.User && !other.IsClosing)
                {
                    throw new PeerRefusedException($"client_id [{newcomer.Login.ClientId}] for user [{newcomer.Login.User}] is already online");
                }
            }
        }
    }

    /// <summary>Finds the session that a visitor belongs to.</summary>
    /// <remarks>Its login has been accepted, and perhaps answered this very moment: a visitor may be faster than the session's first step.</remarks>
    internal bool TryGetVisiting(string runId, [NotNullWhen(true)] out ControlSession? session, [NotNullWhen(false)] out string? error)
    {
        lock (_lock)
        {
            if (!_byRunId.TryGetValue(runId, out session)) error = $"no client control found for run id [{runId}]";
            else if (session.IsClosing) error = $"client control for run id [{runId}] is not running";
            else
            {
                error = null;
                return true;
            }
            session = null;
            return false;
        }
    }

    /// <summary>Finds the session that a work connection belongs to.</summary>
    internal bool TryGetActive(string runId, [NotNullWhen(true)] out ControlSession? session, [NotNullWhen(false)] out string? error)
    {
        lock (_lock)
        {
            if (!_byRunId.TryGetValue(runId, out session)) error = $"no client control found for run id [{runId}]";
            else if (!session.IsActive) error = $"client control for run id [{runId}] is not running";
            else
            {
                error = null;
                return true;
            }
            session = null;
            return false;
        }
    }

    /// <summary>Forgets a session, unless another has taken its place.</summary>
    internal void Remove(ControlSession session)
    {
        lock (_lock)
        {
            if (_byRunId.TryGetValue(session.RunId, out var current) && current == session) _byRunId.Remove(session.RunId);
        }
    }

    /// <summary>Admits nobody from here on.</summary>
    /// <returns>The sessions that there are.</returns>
    internal ControlSession[] Close()
    {
        lock (_lock)
        {
            _closed = true;
            return [.. _byRunId.Values];
        }
    }

    /// <summary>All sessions, as they stand.</summary>
    internal ControlSession[] Snapshot()
    {
        lock (_lock) return [.. _byRunId.Values];
    }
}
