using System.Net;
using System.Security.Cryptography;
using Frp.Proxies;
using Frp.Transport;
using Frp.Wire;
using Microsoft.Extensions.Logging;

namespace Frp.Server;

/// <summary>
/// Finds out what a logical connection is by its first message, and hands it to whom it belongs: a login becomes a session, a
/// work connection goes to its session's pool, a visitor to its secret proxy.
/// </summary>
/// <remarks>Source: wire specification §2, §8.4, §10.2, §11.2, §16.3.</remarks>
internal sealed partial class LogicalConnections(ServerContext server)
{
    // Source: wire specification §22.
    private static readonly TimeSpan FirstMessageTimeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(5);

    // Clients give a login 10 s; a predecessor that cannot clean up in that time has a defect.
    private static readonly TimeSpan ReplacementTimeout = TimeSpan.FromSeconds(9);

    // Certificates and OIDC bear less.
    private static readonly TimeSpan NotableSkew = TimeSpan.FromMinutes(5);

    private readonly ILogger _logger = server.Loggers.CreateLogger("server/connection");

    /// <summary>Serves one logical connection. For a control connection that is the whole session.</summary>
    /// <param name="connection">The connection. Ownership passes to this method.</param>
    /// <param name="visit">What it came by: told when it is accepted, and when it fails.</param>
    /// <param name="cancellationToken">Fires when the carrier or the server ends.</param>
    internal async Task ServeAsync(Connection connection, Visit visit, CancellationToken cancellationToken)
    {
        MessageStream? messages = null;
        bool kept = false;
        try
        {
            Message first;
            ClientHello? hello;
            using (var deadline = new Deadline(FirstMessageTimeout, server.Time, cancellationToken))
            {
                try
                {
                    messages = await OpeningExchange.AcceptAsync(connection.Stream, deadline.Token);
                    first = await messages.ReadAsync(deadline.Token);
                    hello = first as ClientHello;
                    if (hello is not null) first = await messages.ReadAsync(deadline.Token);
                }
                catch (OperationCanceledException) when (deadline.HasPassed)
                {
                    throw deadline.Passed("first message");
                }
            }
            switch (first)
            {
                case Login login:
                    if (await AdmitAsync(connection, messages, (login, hello), visit, cancellationToken) is { } session)
                    {
                        kept = true; // the session's now
                        await session.RunAsync();
                    }
                    return;
                case NewWorkConn work:
                    if (await AddWorkConnectionAsync(connection, messages, work, visit, cancellationToken)) kept = true; // the pool's now
                    return;
                case NewVisitorConn visitor:
                    if (await AdmitVisitorAsync(connection, messages, visitor, cancellationToken)) kept = true; // the secret proxy's now
                    if (kept) visit.Accept();
                    return;
                default:
                    throw new ProtocolViolationException($"{first.GetType().Name} is not a first message");
            }
        }
        catch (EndOfStreamException)
        {
            Log.Gone(_logger, connection.Remote);
        }
        catch (Exception e) when (e is ProtocolViolationException or TimeoutException)
        {
            Log.Refused(_logger, connection.Remote, e.Message);
        }
        finally
        {
            if (!kept)
            {
                if (messages is not null) await messages.DisposeAsync();
                await connection.DisposeAsync();
            }
        }
    }

    /// <summary>Checks a login, puts the newcomer in its predecessor's place and answers.</summary>
    /// <returns>The session, which owns the connection now; null when the login was refused.</returns>
    /// <exception cref="ProtocolViolationException">The v2 hello was refused; the client has been told.</exception>
    private async Task<ControlSession?> AdmitAsync(
        Connection connection, MessageStream messages, (Login Login, ClientHello? Hello) first, Visit visit, CancellationToken cancellationToken)
    {
        var (login, hello) = first;
        Log.LoginInfo(_logger, connection.Remote, PeerText.Escape(login.Version, 64), PeerText.Escape(login.Hostname, 256), PeerText.Escape(login.Os, 32), PeerText.Escape(login.Arch, 32));
        var settings = server.Settings(); // those that the session keeps to, whatever is reloaded meanwhile
        var token = settings.Token;
        ControlKeys? keys = null;
        if (hello is not null)
        {
            bool selected = HelloNegotiation.TryAnswer(hello, out var answer, out var cipher);
            await AnswerAsync(messages, answer, cancellationToken);
            if (!selected) throw new ProtocolViolationException($"v2 hello refused: {answer.Error}");
            keys = ControlKeys.Derive(token.Bytes, cipher, hello, answer);
        }
        ControlSession? session = null;
        try
        {
            if (keys is null && messages.Codec.Version == WireVersion.V2) throw new PeerRefusedException("missing v2 crypto negotiation");
            bool knowsFeatures = ProductVersion.KnowsFeatures(login.Version); // whatever a hook makes of it
            login = await AskAsync(login, connection.Remote, cancellationToken);
            var proofs = await VerifyAsync(settings, connection, login, visit, cancellationToken);
            TellSkew(settings, login, connection);
            if (login.RunId.Length == 0) login.RunId = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));
            session = new ControlSession(server, token, proofs, login, messages.Codec, halfClose: knowsFeatures && connection.CanHalfClose) { Carrier = visit };
            await ReplaceAsync(session, cancellationToken);
            var answer = new LoginResp { Version = ProductVersion.Wire, RunId = login.RunId };
            if (session.HalfClose) answer.Features.Add(LoginResp.HalfClose);
            visit.Accept(); // before the client knows, who will then come with more
            await AnswerAsync(messages, answer, cancellationToken);
            var secured = keys is null ? ControlEncryption.OpenV1(messages, token.StreamKey) : ControlEncryption.OpenV2(messages, keys, isServer: true);
            session.Attach(new ControlChannel(connection, secured, server.Time));
            return session;
        }
        catch (Exception e)
        {
            if (session is not null) await session.DiscardAsync(CloseReason.From(e));
            if (e is not PeerRefusedException) throw;
            Log.LoginRefused(_logger, PeerText.Escape(e.Message, 1024));
            string text = server.Config.DetailedErrorsToClient ? e.Message : "register control error";
            await AnswerAsync(messages, new LoginResp { Version = ProductVersion.Wire, Error = text }, cancellationToken);
            return null;
        }
    }

    // A client that a limit would refuse is told of before somebody sets one.
    private void TellSkew(ServerSettings settings, Login login, Connection connection)
    {
        double skew = SecretProofs.SkewOf(login.Timestamp, server.Time);
        if (settings.Config.Auth.MaxClockSkew is null && Math.Abs(skew) > NotableSkew.TotalSeconds) Log.ClockSkew(_logger, connection.Remote, SecretProofs.Describe(skew));
    }

    // Only a wrong proof makes a stranger suspicious: what hooks refuse, or cannot answer, may be right the next time.
    private static async ValueTask<ISessionProofs> VerifyAsync(ServerSettings settings, Connection connection, Login login, Visit visit, CancellationToken cancellationToken)
    {
        try
        {
            return await settings.Authenticator.AdmitAsync(login, connection, cancellationToken);
        }
        catch (PeerRefusedException)
        {
            visit.Failed();
            throw;
        }
    }

    private async ValueTask<Login> AskAsync(Login login, EndPoint? client, CancellationToken cancellationToken)
    {
        if (!server.Hooks.Want(ServerOperations.Login)) return login;
        var asked = new LoginEvent(login, client);
        await server.Hooks.AskAsync(asked, cancellationToken);
        return asked.Login;
    }

    private async Task ReplaceAsync(ControlSession newcomer, CancellationToken cancellationToken)
    {
        if (server.Sessions.Swap(newcomer) is { } predecessor)
        {
            Log.Replaced(predecessor.Logger, PeerText.Escape(newcomer.RunId, 64));
            predecessor.Close(new CloseReason(CloseKind.Replaced, "replaced by a newer login with the same run ID"));
            await predecessor.Completion.WaitAsync(ReplacementTimeout, server.Time, cancellationToken);
        }
        server.Sessions.Confirm(newcomer);
    }

    private async Task<bool> AddWorkConnectionAsync(
        Connection connection, MessageStream messages, NewWorkConn message, Visit visit, CancellationToken cancellationToken)
    {
        string error;
        if (server.Sessions.TryGetActive(message.RunId, out var session, out var problem))
        {
            try
            {
                // A run ID is no secret among those who see logs: inside a carrier only its own session's work connections are believed.
                if (connection is MuxConnection && session.Carrier != visit) throw new PeerRefusedException($"work connection for run id [{message.RunId}] came by another connection than its session");
                if (server.Hooks.Want(ServerOperations.NewWorkConn))
                {
                    var asked = new NewWorkConnEvent(session.Login, message);
                    await server.Hooks.AskAsync(asked, cancellationToken);
                    message = asked.WorkConn with { HalfClose = message.HalfClose }; // plug-ins may not know of it
                }
                await session.Proofs.VerifyAsync(message, connection, cancellationToken);
                if (session.Pool.TryAdd(new WorkConnection(connection, messages, message.HalfClose && session.HalfClose ? RelayEnd.HalfClose : RelayEnd.CloseBoth)))
                {
                    visit.Accept();
                    return true;
                }
                error = "work connection pool is full, discarding";
            }
            catch (PeerRefusedException e)
            {
                error = e.Message;
            }
        }
        else
        {
            error = problem;
        }
        Log.WorkConnectionRefused(_logger, connection.Remote, PeerText.Escape(error, 1024));
        await AnswerAsync(messages, new StartWorkConn { Error = server.Config.DetailedErrorsToClient ? error : "invalid NewWorkConn" }, cancellationToken);
        return false;
    }

    /// <summary>Brings a visitor to its secret proxy, and answers.</summary>
    /// <returns>Whether the connection is the proxy's now.</returns>
    private async Task<bool> AdmitVisitorAsync(Connection connection, MessageStream messages, NewVisitorConn visitor, CancellationToken cancellationToken)
    {
        SecretListener listener;
        bool halfClose;
        try
        {
            // Clients from before 0.50 say no run ID: their user is nobody.
            ControlSession? session = null;
            if (visitor.RunId.Length > 0 && !server.Sessions.TryGetVisiting(visitor.RunId, out session, out var problem)) throw new PeerRefusedException(problem);
            listener = server.Secrets.Admit(visitor, connection, session?.Login.User ?? "", server.Settings().Secrets);
            halfClose = visitor.HalfClose && session is { HalfClose: true } && listener.Owner.HalfClose && connection.CanHalfClose;
        }
        catch (PeerRefusedException e)
        {
            Log.VisitorRefused(_logger, connection.Remote, PeerText.Escape(e.Message, 1024));
            string text = server.Config.DetailedErrorsToClient ? e.Message : "register visitor conn error";
            await AnswerVisitorAsync(messages, new NewVisitorConnResp { ProxyName = visitor.ProxyName, Error = text }, cancellationToken);
            return false;
        }
        // In the clear, whatever layers the payload has.
        await AnswerVisitorAsync(messages, new NewVisitorConnResp { ProxyName = visitor.ProxyName, HalfClose = halfClose }, cancellationToken);
        var layered = PayloadLayers.Wrap(connection, messages.TakeSurplus(), visitor.UseEncryption ? listener.StreamKey : null, visitor.UseCompression);
        if (listener.Deliver(new VisitorUser(layered, messages.Codec, halfClose ? RelayEnd.HalfClose : RelayEnd.CloseBoth))) return true;
        await layered.DisposeAsync(); // the proxy has gone, or its queue has filled up, this moment
        return false;
    }

    private async Task AnswerVisitorAsync(MessageStream messages, NewVisitorConnResp answer, CancellationToken cancellationToken)
    {
        try
        {
            await AnswerAsync(messages, answer, cancellationToken);
        }
        catch (MessageTooLongException e)
        {
            throw new ProtocolViolationException($"the name that a visitor asks for is too long: {e.Message}", e); // it is said twice in the answer
        }
    }

    private async Task AnswerAsync(MessageStream messages, Message answer, CancellationToken cancellationToken)
    {
        using var deadline = new Deadline(AnswerTimeout, server.Time, cancellationToken);
        try
        {
            await messages.WriteAsync(answer, deadline.Token);
        }
        catch (OperationCanceledException) when (deadline.HasPassed)
        {
            throw deadline.Passed("room for an answer");
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "client login info: ip [{Remote}] version [{Version}] hostname [{Hostname}] os [{Os}] arch [{Arch}]")]
        internal static partial void LoginInfo(ILogger logger, EndPoint? remote, string version, string hostname, string os, string arch);

        [LoggerMessage(2, LogLevel.Warning, "register control error: {Cause}")]
        internal static partial void LoginRefused(ILogger logger, string cause);

        [LoggerMessage(3, LogLevel.Information, "replaced by client [{RunId}]")]
        internal static partial void Replaced(ILogger logger, string runId);

        [LoggerMessage(4, LogLevel.Warning, "work connection of [{Remote}] refused: {Cause}")]
        internal static partial void WorkConnectionRefused(ILogger logger, EndPoint? remote, string cause);

        [LoggerMessage(7, LogLevel.Warning, "register visitor conn error: [{Remote}] {Cause}")]
        internal static partial void VisitorRefused(ILogger logger, EndPoint? remote, string cause);

        [LoggerMessage(8, LogLevel.Warning, "the clock of the client at [{Remote}] is {Skew}")]
        internal static partial void ClockSkew(ILogger logger, EndPoint? remote, string skew);

        [LoggerMessage(5, LogLevel.Debug, "connection of [{Remote}] ended before its first message")]
        internal static partial void Gone(ILogger logger, EndPoint? remote);

        [LoggerMessage(6, LogLevel.Warning, "connection of [{Remote}] refused: {Cause}")]
        internal static partial void Refused(ILogger logger, EndPoint? remote, string cause);
    }
}
