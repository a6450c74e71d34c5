using System.Net;
using System.Text;
using Frp.Config;
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
    /// <exception cref="IOException">There is no proof for the login; the server cannot be reached, or does not speak the protocol.</exception>
    /// <exception cref="TimeoutException">The server did not answer in time.</exception>
    internal static async Task<ClientSession> ConnectAsync(ClientContext client, string runId, CancellationToken cancellationToken)
    {
        var transport = client.Config.Transport;
        ICarrier carrier = client.Dialer.DialsLinks ? await DialLinkAsync(client, cancellationToken)
            : transport.TcpMux
            ? await MuxCarrier.DialAsync(client.Dialer, new YamuxOptions { KeepAliveInterval = transport.TcpMuxKeepaliveInterval, TimeProvider = client.Time }, cancellationToken)
            : new DirectCarrier(client.Dialer);
        try
        {
            // Before a connection for it is opened: the proof may be somebody else's to give, and a server does not wait long for a first message.
            var login = await LoginOfAsync(client, runId, cancellationToken);
            return new ClientSession(client, carrier, await LoginAsync(client, carrier, login, cancellationToken));
        }
        catch (Exception)
        {
            await carrier.DisposeAsync();
            throw;
        }
    }

    private static async ValueTask<ICarrier> DialLinkAsync(ClientContext client, CancellationToken cancellationToken) =>
        QuicPlatform.IsSupported ? new LinkCarrier(await client.Dialer.DialLinkAsync(cancellationToken)) : throw new IOException(QuicPlatform.Missing);

    private static async Task<LoginOutcome> LoginAsync(ClientContext client, ICarrier carrier, Login login, CancellationToken cancellationToken)
    {
        using var deadline = new Deadline(AnswerTimeout, client.Time, cancellationToken);
        Connection? connection = null;
        try
        {
            connection = await carrier.OpenAsync(deadline.Token);
            client.Auth.Bind(login, connection);
            return await ExchangeAsync(client, connection, login, deadline.Token);
        }
        catch (Exception e)
        {
            if (connection is not null) await connection.DisposeAsync();
            if (e is EndOfStreamException) throw new IOException($"the server closed the connection without an answer to the login{HintOf(client.Config.Transport)}", e);
            if (e is OperationCanceledException && deadline.HasPassed) throw deadline.Passed("answer to the login");
            throw;
        }
    }

    // A server that is a .NET program cannot say it in TLS.
    private static string HintOf(ClientTransportConfig transport) =>
        Dialers.UsesTls(transport) && transport.Tls.CertFile.Length > 0 ? " (it may not accept the certificate of transport.tls.certFile)" : "";

    private static async ValueTask<Login> LoginOfAsync(ClientContext client, string runId, CancellationToken cancellationToken)
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
        await client.Auth.ProveAsync(login, cancellationToken);
        return login;
    }

    private static async Task<LoginOutcome> ExchangeAsync(ClientContext client, Connection connection, Login login, CancellationToken cancellationToken)
    {
        var transport = client.Config.Transport;
        ClientHello? hello = client.Wire == WireVersion.V1 ? null : HelloNegotiation.CreateClientHello(new HelloBootstrap
        {
            Transport = transport.Protocol,
            Tls = Dialers.UsesTls(transport),
            TcpMux = transport.TcpMux,
        });
        var messages = new MessageStream(connection.Stream, OpeningExchange.CodecOf(client.Wire));
        try
        {
            byte[] opening = hello is null ? OpeningExchange.Encode(client.Wire, login) : OpeningExchange.Encode(client.Wire, hello, login);
            await connection.Stream.WriteAsync(opening, cancellationToken);
            await connection.Stream.FlushAsync(cancellationToken);
            ControlKeys? keys = null;
            if (hello is not null)
            {
                var selection = await messages.ReadAsync<ServerHello>(cancellationToken);
                if (!HelloNegotiation.TryAccept(hello, selection, out var cipher, out var problem)) throw new PeerRefusedException(problem);
                keys = ControlKeys.Derive(Encoding.UTF8.GetBytes(client.Token), cipher, hello, selection);
            }
            var answer = await messages.ReadAsync<LoginResp>(cancellationToken);
            if (answer.Error.Length > 0) throw new PeerRefusedException(PeerText.Escape(answer.Error, 1024));
            var secured = keys is null ? ControlEncryption.OpenV1(messages, client.StreamKey) : ControlEncryption.OpenV2(messages, keys, isServer: false);
            return new LoginOutcome(answer.RunId, answer.Features.Contains(LoginResp.HalfClose), new ControlChannel(connection, secured, client.Time));
        }
        catch (Exception)
        {
            await messages.DisposeAsync();
            throw;
        }
    }
}
