namespace Frp.Server;

/// <summary>Takes part in what a server does: hears of it, changes it, or refuses it.</summary>
/// <remarks>
/// <para>A program that embeds the server gives its hooks in <see cref="ServerProgram.Hooks"/>; the HTTP plug-ins of the configuration are hooks too,
/// behind those. Hooks are asked one after another, each with what the one before it has left.</para>
/// <para><b>Refusing</b> is throwing <see cref="Frp.Proxies.PeerRefusedException"/>, whose message the client is told. Any other exception refuses
/// too: it goes to the log, and the client hears no more than that asking failed. <b>Changing</b> is to change the event's message.</para>
/// <para><b>Time.</b> The client waits meanwhile, and a session's messages behind it. An answer that takes longer than 10 s is a failure.</para>
/// <para><b>Concurrency.</b> Called for many clients at once.</para>
/// </remarks>
public interface IServerHook
{
    /// <summary>Name for the log.</summary>
    string Name { get; }

    /// <summary>What it wants to be asked about. Asked once, when the hook is taken into use.</summary>
    ServerOperations Operations { get; }

    /// <summary>Something happens, or is about to.</summary>
    /// <param name="serverEvent">What. The hook may change its message until it returns.</param>
    /// <param name="cancellationToken">Fires when the answer would come too late, or the client is gone.</param>
    ValueTask OnEventAsync(ServerEvent serverEvent, CancellationToken cancellationToken);
}

/// <summary>The operations that hooks can take part in, named as plug-ins know them.</summary>
[Flags]
public enum ServerOperations
{
    /// <summary>Nothing.</summary>
    None = 0,
    /// <summary>A client logs in: <see cref="LoginEvent"/>.</summary>
    Login = 1 << 0,
    /// <summary>A client registers a proxy: <see cref="NewProxyEvent"/>.</summary>
    NewProxy = 1 << 1,
    /// <summary>A proxy has been closed: <see cref="CloseProxyEvent"/>.</summary>
    CloseProxy = 1 << 2,
    /// <summary>A client's heartbeat: <see cref="PingEvent"/>.</summary>
    Ping = 1 << 3,
    /// <summary>A client brings a work connection: <see cref="NewWorkConnEvent"/>.</summary>
    NewWorkConn = 1 << 4,
    /// <summary>A user comes: <see cref="NewUserConnEvent"/>.</summary>
    NewUserConn = 1 << 5,
}
