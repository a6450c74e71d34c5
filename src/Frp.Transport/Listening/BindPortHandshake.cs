using Frp.Wire;

namespace Frp.Transport;

/// <summary>What happens on the server's bind port between a peer's connection and its byte stream.</summary>
/// <remarks>
/// <para><b>Layout.</b> The first 10 bytes decide, in this order:</para>
/// <code>
/// "GET /~!frp"            WebSocket, then the TLS byte inside it
/// (the sharing rules)     virtual hosts on the same port: 0x16 to the HTTPS one, a method to the HTTP one
/// anything else           the TLS byte:  0x17  consumed, TLS follows
///                                        0x16  kept, it is TLS's own
///                                        other kept, clear text; refused when TLS is required
/// </code>
/// <para><b>Concurrency.</b> Immutable; any number of handshakes at once.</para>
/// <para><b>Source.</b> docs/wire/transports.md, first bytes.</para>
/// </remarks>
public sealed class BindPortHandshake
{
    private const byte MarkerByte = 0x17;
    private const byte TlsHandshakeRecord = 0x16;

    private readonly TlsServer _tls;
    private readonly bool _requireTls;
    private readonly TimeProvider _timeProvider;
    private readonly PrefaceRule[] _rules;

    /// <summary>Creates the handshake.</summary>
    /// <param name="tls">For peers that open with TLS.</param>
    /// <param name="requireTls">Refuse clear text. Implied when clients must show certificates.</param>
    /// <param name="timeProvider">The clock.</param>
    /// <param name="sharing">Rules for the other users of the port, between the WebSocket rule and the rest.</param>
    public BindPortHandshake(TlsServer tls, bool requireTls, TimeProvider timeProvider, IReadOnlyList<PrefaceRule>? sharing = null)
    {
        _tls = tls;
        _requireTls = requireTls || tls.RequiresClientCertificate;
        _timeProvider = timeProvider;
        _rules = [new PrefaceRule("websocket", PrefaceMatches.WebSocket, UpgradeAsync), .. sharing ?? [], new PrefaceRule("frp", static _ => true, SniffAsync)];
    }

    /// <summary>How long a peer may take for the bytes that decide.</summary>
    // Source: wire reference, timeouts: 10 s each for the classifier and the TLS byte.
    public static TimeSpan PrefaceTimeout { get; } = TimeSpan.FromSeconds(10);

    /// <summary>How long the TLS handshake may take.</summary>
    // Source: the reference's first message, TLS included, must be there within 10 s.
    public static TimeSpan TlsTimeout { get; } = TimeSpan.FromSeconds(10);

    /// <summary>The whole of it: classification, upgrade, TLS.</summary>
    /// <param name="accepted">Owned from here on: closed when the handshake fails.</param>
    /// <param name="cancellationToken">Fires when the listener's owner stops.</param>
    /// <returns>The byte stream; null when a sharing rule took the connection, and when it is over before it has said anything.</returns>
    /// <inheritdoc cref="IIncoming.HandshakeAsync" path="/remarks"/>
    public async ValueTask<Connection?> RunAsync(Connection accepted, CancellationToken cancellationToken)
    {
        var first = new byte[PrefaceRule.PrefaceLength];
        if (await PeekAsync(accepted, first, "opening", cancellationToken) is not { } connection) return null;
        foreach (var rule in _rules)
        {
            if (rule.Matches(first)) return await rule.Take(connection, cancellationToken);
        }
        throw new InvalidOperationException("the last rule takes everything");
    }

    /// <summary>The TLS byte alone: for carriers that bring nothing but byte streams, such as KCP.</summary>
    /// <param name="connection">Owned from here on: closed when the handshake fails.</param>
    /// <param name="cancellationToken">Fires when the listener's owner stops.</param>
    /// <returns>The byte stream; null when the connection is over before it has said anything.</returns>
    public async ValueTask<Connection?> SniffAsync(Connection connection, CancellationToken cancellationToken)
    {
        var first = new byte[1];
        if (await PeekAsync(connection, first, "first byte", cancellationToken) is not { } seen) return null;
        connection = seen;
        switch (first[0])
        {
            case MarkerByte:
                await ConsumeAsync(connection, first, cancellationToken);
                break;
            case TlsHandshakeRecord:
                break;
            default:
                if (!_requireTls) return connection;
                await connection.DisposeAsync();
                throw new ProtocolViolationException("clear text refused: TLS is required");
        }

        using var deadline = new Deadline(TlsTimeout, _timeProvider, cancellationToken);
        try
        {
            return await _tls.AuthenticateAsync(connection, deadline.Token);
        }
        catch (OperationCanceledException) when (deadline.HasPassed)
        {
            throw deadline.Passed("TLS handshake");
        }
    }

    // The byte is there: this does not wait. The peer may have reset the connection meanwhile, though.
    private static async ValueTask ConsumeAsync(Connection connection, Memory<byte> first, CancellationToken cancellationToken)
    {
        try
        {
            await connection.Stream.ReadExactlyAsync(first, cancellationToken);
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    private async ValueTask<Connection?> UpgradeAsync(Connection connection, CancellationToken cancellationToken)
    {
        var webSocket = await WebSocketListenerHandshake.RunAsync(connection, _timeProvider, cancellationToken);
        return await SniffAsync(webSocket, cancellationToken);
    }

    private async ValueTask<Connection?> PeekAsync(Connection connection, Memory<byte> first, string what, CancellationToken cancellationToken)
    {
        using var deadline = new Deadline(PrefaceTimeout, _timeProvider, cancellationToken);
        try
        {
            var seen = await Preface.PeekAsync(connection, first, deadline.Token);
            return seen is null && deadline.HasPassed ? throw deadline.Passed(what) : seen;
        }
        catch (Exception e)
        {
            await connection.DisposeAsync();
            if (e is OperationCanceledException && deadline.HasPassed) throw deadline.Passed(what);
            throw;
        }
    }
}

/// <summary>A listener whose connections go through the bind port's handshake.</summary>
/// <param name="inner">Owned.</param>
/// <param name="handshake">Gives the handshake for the next connection. May be shared between listeners.</param>
/// <param name="isShared">Whether others than clients may come there: WebSocket, virtual hosts. If not, the TLS byte alone decides.</param>
public sealed class BindPortListener(IListener inner, Func<BindPortHandshake> handshake, bool isShared = true) : IListener
{
    /// <inheritdoc/>
    public System.Net.EndPoint Local => inner.Local;

    /// <inheritdoc/>
    public async ValueTask<IIncoming?> AcceptAsync(CancellationToken cancellationToken) =>
        await inner.AcceptAsync(cancellationToken) is { } incoming ? new Incoming(incoming, handshake(), isShared) : null;

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => inner.DisposeAsync();

    private sealed class Incoming(IIncoming inner, BindPortHandshake handshake, bool isShared) : IIncoming
    {
        public System.Net.EndPoint? Remote => inner.Remote;

        public bool IsVerified => inner.IsVerified;

        public async ValueTask<Connection?> HandshakeAsync(CancellationToken cancellationToken)
        {
            if (await inner.HandshakeAsync(cancellationToken) is not { } accepted) return null;
            return isShared ? await handshake.RunAsync(accepted, cancellationToken) : await handshake.SniffAsync(accepted, cancellationToken);
        }

        public void Abort() => inner.Abort();
    }
}
