namespace Frp.Server;

/// <summary>Who owns a secret proxy.</summary>
/// <param name="ProxyName">The proxy's name on the wire; visitors ask for it.</param>
/// <param name="User">The user of the session that registered it; may be empty.</param>
/// <param name="HalfClose">Whether that session has agreed that a FIN ends one direction only.</param>
internal sealed record SecretOwner(string ProxyName, string User, bool HalfClose);

/// <summary>Who may come to a secret proxy.</summary>
/// <param name="Owner">Whose it is.</param>
/// <param name="SecretKey">Shared with the visitors; may be empty.</param>
/// <param name="AllowUsers">Users who may come.</param>
internal sealed record SecretEntrance(SecretOwner Owner, string SecretKey, IReadOnlyList<string> AllowUsers)
{
    /// <summary>Whether a visitor of this user may come: one of the list, anybody with <c>*</c>, and without a list the owner.</summary>
    internal bool Admits(string user)
    {
        if (AllowUsers.Count == 0) return user == Owner.User;
        foreach (string allowed in AllowUsers)
        {
            if (allowed == "*" || allowed == user) return true;
        }
        return false;
    }
}
