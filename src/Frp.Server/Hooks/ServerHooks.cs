using Frp.Proxies;
using Frp.Transport;
using Frp.Wire;
using Microsoft.Extensions.Logging;

namespace Frp.Server;

/// <summary>All hooks of a server, in their order. Who has none pays a comparison.</summary>
/// <remarks><b>Concurrency.</b> Immutable.</remarks>
internal sealed partial class ServerHooks
{
    // The reference waits for ever; its clients give a login ten seconds.
    internal static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(10);

    private readonly (IServerHook Hook, ServerOperations Operations)[] _hooks;
    private readonly ServerOperations _wanted;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;

    internal ServerHooks(IEnumerable<IServerHook> hooks, ILogger logger, TimeProvider time)
    {
        (_logger, _time) = (logger, time);
        _hooks = [.. hooks.Select(hook => (hook, hook.Operations))];
        foreach (var (_, operations) in _hooks) _wanted |= operations;
    }

    /// <summary>Whether anybody wants to be asked.</summary>
    internal bool Want(ServerOperations operation) => (_wanted & operation) != ServerOperations.None;

    /// <summary>Asks the hooks that want it, one after another. What they make of the event is in it afterwards.</summary>
    /// <exception cref="PeerRefusedException">One has refused, or could not be asked.</exception>
    internal async ValueTask AskAsync(ServerEvent serverEvent, CancellationToken cancellationToken)
    {
        foreach (var (hook, operations) in _hooks)
        {
            if ((operations & serverEvent.Operation) == ServerOperations.None) continue;
            if (!await TryAskAsync(hook, serverEvent, cancellationToken)) throw new PeerRefusedException($"send {serverEvent.Operation} request to plugin error");
        }
    }

    /// <summary>Tells every hook that wants it, whatever the others answer: it has happened, and nobody can refuse it.</summary>
    internal async Task TellAsync(ServerEvent serverEvent, CancellationToken cancellationToken)
    {
        foreach (var (hook, operations) in _hooks)
        {
            if ((operations & serverEvent.Operation) == ServerOperations.None) continue;
            try
            {
                await TryAskAsync(hook, serverEvent, cancellationToken);
            }
            catch (PeerRefusedException e)
            {
                Log.RefusedTooLate(_logger, hook.Name, serverEvent.Operation, PeerText.Escape(e.Message, 1024));
            }
        }
    }

    /// <summary>Asks one hook.</summary>
    /// <returns>False when it could not be asked; the log says why.</returns>
    /// <exception cref="PeerRefusedException">It has refused.</exception>
    private async ValueTask<bool> TryAskAsync(IServerHook hook, ServerEvent serverEvent, CancellationToken cancellationToken)
    {
        using var deadline = new Deadline(AnswerTimeout, _time, cancellationToken);
        try
        {
            await hook.OnEventAsync(serverEvent, deadline.Token);
            return true;
        }
        catch (OperationCanceledException) when (deadline.HasPassed)
        {
            Log.Failed(_logger, hook.Name, serverEvent.Operation, deadline.Passed("answer").Message);
        }
        catch (Exception e) when (e is HttpRequestException or ProtocolViolationException)
        {
            Log.Failed(_logger, hook.Name, serverEvent.Operation, e is HttpRequestException failure ? OutboundHttp.Reason(failure) : e.Message);
        }
        catch (Exception e) when (e is not PeerRefusedException && !cancellationToken.IsCancellationRequested)
        {
            Log.Fault(_logger, hook.Name, serverEvent.Operation, e);
        }
        return false;
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "send {Operation} request to plugin [{Name}] error: {Cause}")]
        internal static partial void Failed(ILogger logger, string name, ServerOperations operation, string cause);

        [LoggerMessage(2, LogLevel.Error, "fault in plugin [{Name}], asked about {Operation}")]
        internal static partial void Fault(ILogger logger, string name, ServerOperations operation, Exception exception);

        [LoggerMessage(3, LogLevel.Debug, "plugin [{Name}] refuses a {Operation} that has happened: {Cause}")]
        internal static partial void RefusedTooLate(ILogger logger, string name, ServerOperations operation, string cause);
    }
}
