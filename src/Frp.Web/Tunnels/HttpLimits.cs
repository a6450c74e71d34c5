namespace Frp.Web;

/// <summary>Limits of HTTP in tunnels that no configuration sets. Requests under way have none but <see cref="HalfClosed"/>.</summary>
internal sealed record HttpLimits
{
    /// <summary>Connections on which no request is under way, or none is complete: for one more, the one that has waited longest is closed.</summary>
    // A head may take its time, and many of them memory. An honest crowd of users who come with a connection each, and keep it, is smaller.
    internal int MaxIdle { get; init; } = 8192;

    /// <summary>Time for the headers of a request.</summary>
    // Source: wire specification §22.
    internal TimeSpan Head { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long a user's connection may wait between requests.</summary>
    internal TimeSpan KeepAlive { get; init; } = TimeSpan.FromSeconds(130);

    /// <summary>How long a connection to a local service waits for its next request.</summary>
    // Source: wire specification §14.4, "Connections".
    internal TimeSpan IdleWork { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long a user who has ended his direction is taken to wait for an answer while nothing goes to him.</summary>
    // A service has time to think, and one whose user has left does not work for him much longer.
    internal TimeSpan HalfClosed { get; init; } = TimeSpan.FromSeconds(10);
}
