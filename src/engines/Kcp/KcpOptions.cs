namespace Kcp;

/// <summary>Settings of a conversation. Only the windows are said to the peer.</summary>
public sealed record KcpOptions
{
    /// <summary>Segments that may be under way to the peer, if it takes as many.</summary>
    public int SendWindow { get; init; } = 128;

    /// <summary>Segments that the peer may have under way to us, and that wait for a reader; at most 65535.</summary>
    public int ReceiveWindow { get; init; } = 512;

    /// <summary>
    /// What the receive window begins with. It doubles whenever a whole one has been read, so that who only sends, and is not listened to, pins little
    /// memory.
    /// </summary>
    // Source: wire reference 4.4.3: a peer believes in 32 before it has heard anything.
    public int FirstReceiveWindow { get; init; } = 32;

    /// <summary>How long acknowledgements, and the end of a write, may wait for company.</summary>
    public TimeSpan FlushInterval { get; init; } = TimeSpan.FromMilliseconds(20);

    /// <summary>How long a disposed stream goes on sending what has not been acknowledged.</summary>
    public TimeSpan LingerTime { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Silence of the peer after which it is asked whether it is there, and asked again after each third of this.</summary>
    public TimeSpan ProbeAfter { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Silence of the peer, although it was asked, after which it is gone. Nothing on the wire says that it is.</summary>
    public TimeSpan SilenceLimit { get; init; } = TimeSpan.FromMinutes(3);

    /// <summary>
    /// The peer's port may not be open yet when a conversation is dialled: what its machine says against it counts only once the peer has been heard.
    /// </summary>
    public bool AwaitsPeer { get; init; }

    /// <summary>The clock.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>Throws when the settings make no sense.</summary>
    internal void Check()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(SendWindow, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(FirstReceiveWindow, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(ReceiveWindow, FirstReceiveWindow);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(ReceiveWindow, ushort.MaxValue);
    }
}
