using System.Net;
using System.Runtime.InteropServices;
using Frp.Proxies;
using Frp.Transport;
using Frp.Wire;
using Yamux;

namespace Frp.Client;

/// <summary>What a login has led to.</summary>
/// <param name="RunId">The session's id.</param>
/// <param name="HalfClose">Whether a FIN ends one direction only.</param>
/// <param name="Channel">The encrypted control channel.</param>
internal sealed record LoginOutcome(string RunId, bool HalfClose, ControlChannel Channel);

/// <summary>Opens a carrier and logs in on it (wire specification §10.1).</summary>
internal static class LoginFlow
{
    // Source: wire specification §22, one deadline for hello and login.
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(10);

    /// <summary>Connects and logs in.</summary>
    /// <param name="client">The client.</param>
    /// <param name="runId">The id of the session that is to be resumed; empty the first time.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="PeerRefusedException">The server said no.</exception>
    /// <exception cref="IOException">The server cannot be reached, or does not speak the protocol.</exception>
    /// <exception cref="TimeoutException">The server did not answer in time.</exception>
    internal static async Task<ClientSession> ConnectAsync(ClientContext client, string runId, CancellationToken cancellationToken)
    {
        var transport = client.Config.Transport;
        var dialer = Dialers.Create(client.Config, client.Time);
        ICarrier carrier = transport.TcpMux
            ? await MuxCarrier.DialAsync(dialer, new YamuxOptions { KeepAliveInterval = transport.TcpMuxKeepaliveInterval, TimeProvider = client.Time }, client.Stopping, cancellationToken)
            : new DirectCarrier(dialer);
        try
        {
            return new ClientSession(client, carrier, await LoginAsync(client, carrier, runId, cancellationToken));
        }
        catch (Exception)
        {
            await carrier.DisposeAsync();
            throw;
        }
    }

    private static async Task<LoginOutcome> LoginAsync(ClientContext client, ICarrier carrier, string runId, CancellationToken cancellationToken)
    {
        using var deadline = new Deadline(AnswerTimeout, client.Time, cancellationToken);
        var connection = await carrier.OpenAsync(deadline.Token);
        var messages = new MessageStream(connection.Stream, client.Wire);
        try
        {
            var login = new Login
            {
                Version = ProductVersion.Wire,
                Hostname = Dns.GetHostName(),
                Os = GoNames.Os,
                Arch = GoNames.Arch,
                User = client.Config.User,
                RunId = runId,
                ClientId = client.Config.ClientId,
                Metas = client.Config.Metadatas,
                PoolCount = client.Config.Transport.PoolCount,
            };
            client.Auth.Prove(login);
            return await ExchangeAsync(client, connection, messages, login, deadline.Token);
        }
        catch (Exception e)
        {
            messages.Dispose();
            await connection.DisposeAsync();
            if (e is EndOfStreamException) throw new IOException("the server closed the connection without an answer to the login", e);
            if (e is OperationCanceledException && deadline.HasPassed) throw deadline.Passed("answer to the login");
            throw;
        }
    }
}
