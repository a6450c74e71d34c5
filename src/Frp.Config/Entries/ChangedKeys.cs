namespace Frp.Config;

/// <summary>Which of a client's options a reload leaves as they are.</summary>
public static class ChangedKeys
{
    // What a reload reads anew, and what means nothing.
    private static readonly HashSet<string> Reloaded = ["version", "start", "includes"];

    /// <summary>The client's options that differ and that only a restart applies, such as <c>transport.poolCount</c>. No value is told.</summary>
    /// <param name="running">Completed.</param>
    /// <param name="wanted">Completed.</param>
    public static IReadOnlyList<string> NeedingRestart(ClientConfig running, ClientConfig wanted)
    {
        ArgumentNullException.ThrowIfNull(running);
        ArgumentNullException.ThrowIfNull(wanted);
        // Proxies and visitors are reloaded one by one, and compared by those who do.
        return [.. ModelKeys.Differences(running.With([], []), wanted.With([], [])).Where(key => !Reloaded.Contains(key))];
    }
}
