using Frp.Proxies;
using Frp.Transport;
using Frp.Wire;

namespace Frp.Server;

/// <summary>Proxies that share one entrance.</summary>
/// <remarks>
/// <para><b>Distribution.</b> A user goes to the member that has waited longest for one, which is rotation while all are idle. At most one
/// user is held here, for want of a member that waits; the others wait in the entrance's own queue.</para>
/// <para><b>Concurrency.</b> The table of members belongs to the lock of <see cref="UserGroups"/> and to this group's own; the members
/// that wait to the latter alone. No lock is held while anything else is called.</para>
/// </remarks>
internal sealed class UserGroup : IAsyncDisposable
{
    private readonly UserGroups _groups;
    private readonly string _key;
    private readonly string _parameters;
    private readonly IUserListener _entrance;
    private readonly TaskScope _scope;
    private readonly Lock _lock = new();
    private readonly List<GroupShare> _members = [];
    private readonly LinkedList<GroupWaiter> _waiting = new();
    private TaskCompletionSource? _memberWaits;
    private int _turn;
    private bool _closed;

    internal UserGroup(UserGroups groups, string kind, NewProxy first, string parameters, IUserListener entrance, bool opensAtOnce, Action<string, Exception> onFault)
    {
        (_groups, Kind, Name, _key, _parameters, _entrance, OpensAtOnce) = (groups, kind, first.Group, first.GroupKey, parameters, entrance, opensAtOnce);
        _scope = new TaskScope($"group {first.Group}", onFault);
    }

    /// <summary>The name space.</summary>
    internal string Kind { get; }

    /// <summary>The group's name in it.</summary>
    internal string Name { get; }

    /// <summary>Whether opening and closing the entrance takes no time: it is a name, and not a port.</summary>
    internal bool OpensAtOnce { get; }

    internal int Port => _entrance.Port;

    internal void Start() => _scope.Run($"group {Name}", DistributeAsync);

    /// <summary>Takes a member in. Under the lock of all groups.</summary>
    /// <exception cref="PeerRefusedException">It does not fit.</exception>
    internal GroupShare Admit(IGroupMember member, string parameters)
    {
        if (parameters != _parameters) throw new PeerRefusedException(OpensAtOnce ? "group params invalid" : "group should have same remote port");
        if (!SecretText.AreEqual(member.Registration.GroupKey, _key)) throw new PeerRefusedException("group auth failed");
        var share = new GroupShare(this, _groups, member);
        lock (_lock) _members.Add(share);
        return share;
    }

    /// <summary>Takes a member out. Under the lock of all groups.</summary>
    /// <returns>Whether it was the last one.</returns>
    internal bool Dismiss(GroupShare share)
    {
        lock (_lock) return _members.Remove(share) && _members.Count == 0;
    }

    internal ValueTask CloseEntranceAsync() => _entrance.DisposeAsync();

    public async ValueTask DisposeAsync()
    {
        await _entrance.DisposeAsync();
        await _scope.DisposeAsync();
    }

    /// <summary>Another member, by turns.</summary>
    /// <param name="tried">Members that are out of the question.</param>
    /// <returns>Null when there is none.</returns>
    internal IGroupMember? Another(IReadOnlyCollection<IGroupMember> tried)
    {
        lock (_lock)
        {
            for (int i = 0; i < _members.Count; i++)
            {
                var member = _members[(int)((uint)_turn++ % (uint)_members.Count)].Member;
                if (!tried.Contains(member)) return member;
            }
            return null;
        }
    }

    /// <summary>Gets a member in line for a user.</summary>
    /// <param name="waiter">The member's place, which may have been given up already.</param>
    /// <param name="cancellationToken">Gives the place up.</param>
    internal async ValueTask<Connection?> AcceptAsync(GroupWaiter waiter, CancellationToken cancellationToken)
    {
        TaskCompletionSource? distributor;
        lock (_lock)
        {
            if (_closed) return null;
            _waiting.AddLast(waiter.Node);
            (distributor, _memberWaits) = (_memberWaits, null);
        }
        distributor?.TrySetResult();
        try
        {
            await using var registration = cancellationToken.UnsafeRegister(static (state, token) => ((GroupWaiter)state!).TrySetCanceled(token), waiter);
            return await waiter.Task;
        }
        finally
        {
            lock (_lock)
            {
                if (waiter.Node.List is not null) _waiting.Remove(waiter.Node);
            }
        }
    }

    private async Task DistributeAsync(CancellationToken cancellationToken)
    {
        Connection? user = null;
        try
        {
            while ((user = await _entrance.AcceptAsync(cancellationToken)) is not null)
            {
                while (!TryNext(out var waiter, out var arrival) || !waiter!.TrySetResult(user))
                {
                    if (arrival is not null) await arrival.Task.WaitAsync(cancellationToken);
                }
                user = null;
            }
        }
        finally
        {
            if (user is not null) await user.DisposeAsync(); // the last member has left
            GroupWaiter[] rest;
            lock (_lock)
            {
                _closed = true;
                rest = [.. _waiting];
                _waiting.Clear();
            }
            foreach (var waiter in rest) waiter.TrySetResult(null);
        }
    }

    /// <summary>The member that has waited longest; else what tells when one waits.</summary>
    private bool TryNext(out GroupWaiter? waiter, out TaskCompletionSource? arrival)
    {
        lock (_lock)
        {
            arrival = null;
            waiter = _waiting.First?.Value;
            if (waiter is not null)
            {
                _waiting.RemoveFirst();
                return true;
            }
            arrival = _memberWaits ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return false;
        }
    }
}

/// <summary>A member's place in the line for users. Its continuation runs where the user came in.</summary>
internal sealed class GroupWaiter : TaskCompletionSource<Connection?>
{
    internal GroupWaiter() => Node = new LinkedListNode<GroupWaiter>(this);

    internal LinkedListNode<GroupWaiter> Node { get; }
}

/// <summary>A member's share of a group's users: one place in the line at a time. Disposing it is leaving the group.</summary>
internal sealed class GroupShare(UserGroup group, UserGroups groups, IGroupMember member) : IUserListener
{
    private readonly Lock _lock = new();
    private GroupWaiter? _place;
    private bool _left;

    internal UserGroup Group => group;

    internal IGroupMember Member => member;

    public int Port => group.Port;

    public ValueTask<Connection?> AcceptAsync(CancellationToken cancellationToken)
    {
        var place = new GroupWaiter();
        lock (_lock)
        {
            if (_left) return ValueTask.FromResult<Connection?>(null);
            _place = place;
        }
        return group.AcceptAsync(place, cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        GroupWaiter? place;
        lock (_lock)
        {
            if (_left) return;
            (_left, place) = (true, _place);
        }
        place?.TrySetResult(null); // no more users from here on
        await groups.LeaveAsync(this);
    }
}
