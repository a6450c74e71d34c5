using Frp.Proxies;
using Frp.Wire;
using Microsoft.Extensions.Logging;

namespace Frp.Server;

/// <summary>A proxy in a group.</summary>
internal interface IGroupMember
{
    /// <summary>Names the group and its key.</summary>
    NewProxy Registration { get; }
}

/// <summary>The groups of a server: proxies of one kind and one group name share an entrance.</summary>
/// <remarks>
/// <para>The first member opens the entrance and decides what the others must equal; the last one to leave closes it.</para>
/// <para><b>Concurrency.</b> All members may be called from any thread. The table is under one lock. Entrances that have to be waited for
/// are opened and closed one at a time, so that a port is free again when its group is.</para>
/// <para><b>Source.</b> Wire specification §15.</para>
/// </remarks>
internal sealed partial class UserGroups(ILogger logger)
{
    private readonly Lock _lock = new();
    private readonly SemaphoreSlim _turn = new(1); // never disposed: nobody asks for its wait handle
    private readonly Dictionary<(string Kind, string Name), UserGroup> _groups = [];

    /// <summary>Groups that have members.</summary>
    internal int Count
    {
        get
        {
            lock (_lock) return _groups.Count;
        }
    }

    /// <summary>Makes a proxy a member of a group whose entrance is a port; the first one opens it, which may take time.</summary>
    /// <param name="kind">The name space.</param>
    /// <param name="member">The proxy. Its registration names a group.</param>
    /// <param name="parameters">What all members must have in common, in any form.</param>
    /// <param name="open">Opens the entrance. What it throws reaches the caller.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The member's share of the users. Disposing it is leaving.</returns>
    /// <exception cref="PeerRefusedException">The group is another one than the proxy thinks.</exception>
    internal async ValueTask<GroupShare> JoinAsync(string kind, IGroupMember member, string parameters, Func<ValueTask<IUserListener>> open, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            lock (_lock)
            {
                if (_groups.TryGetValue((kind, member.Registration.Group), out var group)) return group.Admit(member, parameters);
            }
            var entrance = await open();
            lock (_lock) return Found(kind, member, parameters, entrance, opensAtOnce: false);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Makes a proxy a member of a group whose entrance is a name: a mere entry in a table.</summary>
    /// <param name="kind">The name space.</param>
    /// <param name="member">The proxy. Its registration names a group.</param>
    /// <param name="parameters">What all members must have in common, in any form.</param>
    /// <param name="open">Opens the entrance. Called under the lock of all groups: it must not wait, and must not call back.</param>
    /// <returns>The member's share of the users. Disposing it is leaving.</returns>
    /// <exception cref="PeerRefusedException">The group is another one than the proxy thinks.</exception>
    internal GroupShare Join(string kind, IGroupMember member, string parameters, Func<IUserListener> open)
    {
        lock (_lock)
        {
            return _groups.TryGetValue((kind, member.Registration.Group), out var group)
                ? group.Admit(member, parameters)
                : Found(kind, member, parameters, open(), opensAtOnce: true);
        }
    }

    /// <summary>Takes a member out, and closes the entrance behind the last one.</summary>
    internal async ValueTask LeaveAsync(GroupShare share)
    {
        var group = share.Group;
        if (!group.OpensAtOnce) await _turn.WaitAsync();
        try
        {
            ValueTask closing;
            lock (_lock)
            {
                if (!group.Dismiss(share)) return;
                _groups.Remove((group.Kind, group.Name));
                closing = group.CloseEntranceAsync(); // begun here, so that a name is free when its group is
            }
            await closing;
        }
        finally
        {
            if (!group.OpensAtOnce) _turn.Release();
        }
        await group.DisposeAsync();
    }

    private GroupShare Found(string kind, IGroupMember first, string parameters, IUserListener entrance, bool opensAtOnce)
    {
        var group = new UserGroup(this, kind, first.Registration, parameters, entrance, opensAtOnce, (name, e) => Log.Fault(logger, PeerText.Escape(name, 256), e));
        _groups.Add((kind, group.Name), group);
        var share = group.Admit(first, parameters);
        group.Start();
        return share;
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Error, "fault in {Work}")]
        internal static partial void Fault(ILogger logger, string work, Exception exception);
    }
}
