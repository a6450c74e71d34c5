using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using Frp.Proxies;
using Frp.Transport;
using Frp.Wire;
using Microsoft.Extensions.Logging;

namespace Frp.Server;

/// <summary>A session, as the broker sees it.</summary>
internal interface ITraversalParty
{
    /// <summary>The user of its login; may be empty.</summary>
    string User { get; }

    /// <summary>What its control connection came by.</summary>
    Connection Connection { get; }

    /// <summary>Runs something that ends with the session.</summary>
    void Run(string name, Func<CancellationToken, Task> work);

    /// <summary>Sends a message.</summary>
    /// <exception cref="IOException">The session is over.</exception>
    ValueTask PostAsync(Message message, CancellationToken cancellationToken);
}

/// <summary>Brings visitors and proxies of kind xtcp together, so that they can send each other datagrams. Data never comes by (wire specification §17.2).</summary>
/// <remarks>
/// <para><b>An attempt</b> begins with a visitor's request, runs in the visitor's session, and is known by its id until its result was reported or
/// could be no more. Only the session of the proxy that it is for may answer it or report of it.</para>
/// <para><b>Concurrency.</b> All members may be called from any thread; none waits.</para>
/// </remarks>
internal sealed partial class TraversalBroker(IIngressRegistry ingress, TraversalRecords records, TimeProvider time, ILogger logger)
{
    /// <summary>Attempts of one visiting session at once. Honest visitors make one in ten seconds each.</summary>
    internal const int MostAttempts = 256;

    // Source: wire specification §17.2.
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan SenderDelay = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan ReportTime = TimeSpan.FromSeconds(30);

    private readonly ConcurrentDictionary<string, TraversalListener> _byName = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Attempt> _attempts = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<ITraversalParty, int> _ofVisitors = new(); // how many of them each visiting session has

    /// <summary>Attempts that are under way, or whose result may still be reported.</summary>
    internal int AttemptCount => _attempts.Count;

    /// <summary>Opens the entrance of a proxy.</summary>
    /// <param name="entrance">Whose it is, and who may come.</param>
    /// <param name="party">The session that registered it.</param>
    /// <exception cref="PeerRefusedException">The name is taken.</exception>
    internal TraversalListener Listen(SecretEntrance entrance, ITraversalParty party)
    {
        string name = entrance.Owner.ProxyName;
        var claim = ingress.TryClaim(new IngressKey(IngressKind.SecretName, name), name) ?? throw new PeerRefusedException($"xtcp server for [{name}] is repeated");
        var listener = new TraversalListener(this, claim, entrance, party);
        _byName[name] = listener;
        return listener;
    }

    /// <summary>Judges a visitor's request, and begins an attempt unless only a check is asked for.</summary>
    /// <param name="party">The visitor's session.</param>
    /// <param name="request">What it says.</param>
    /// <param name="proofs">Judges its proof.</param>
    /// <returns>The answer; null where it comes later.</returns>
    /// <exception cref="PeerRefusedException">The visitor may not come, or there is too much under way.</exception>
    internal NatHoleResp? Begin(ITraversalParty party, NatHoleVisitor request, SecretProofs proofs)
    {
        var target = Admit(party, request, proofs);
        if (request.PreCheck) return new NatHoleResp { TransactionId = request.TransactionId };
        var attempt = new Attempt(NewSid(), party, target.Party, request);
        if (!TryEnter(attempt)) throw new PeerRefusedException($"{MostAttempts} attempts of this client are under way already");
        if (!target.Offer(attempt.Sid))
        {
            Leave(attempt);
            throw new PeerRefusedException($"{TraversalListener.QueueLength} attempts wait for [{request.ProxyName}] already");
        }
        party.Run("traversal attempt", token => RunAsync(attempt, token));
        return null;
    }

    /// <summary>Takes the addresses of a proxy's side for an attempt. What belongs to none is ignored.</summary>
    internal void Answer(ITraversalParty party, NatHoleClient answer)
    {
        if (_attempts.TryGetValue(answer.Sid, out var attempt) && attempt.Proxy == party) attempt.Answered.TrySetResult(answer);
    }

    /// <summary>Takes the result of an attempt. What belongs to none is ignored.</summary>
    internal void Report(ITraversalParty party, NatHoleReport report)
    {
        if (_attempts.TryGetValue(report.Sid, out var attempt) && attempt.Proxy == party) attempt.Reported.TrySetResult(report.Success);
    }

    /// <summary>Forgets an entrance. Its claim is given back after this, so that nobody else can have the name yet.</summary>
    internal void Remove(TraversalListener listener) => _byName.TryRemove(KeyValuePair.Create(listener.Entrance.Owner.ProxyName, listener));

    private TraversalListener Admit(ITraversalParty party, NatHoleVisitor request, SecretProofs proofs)
    {
        bool found = _byName.TryGetValue(request.ProxyName, out var target);
        // A name that nobody has costs as much as a wrong key.
        bool proven = request.PreCheck || proofs.IsRight(request.SignKey, target?.Entrance.SecretKey ?? "", request.Timestamp, party.Connection);
        if (!found) throw new PeerRefusedException($"xtcp server for [{request.ProxyName}] doesn't exist");
        if (!proven) throw new PeerRefusedException($"xtcp connection of [{request.ProxyName}] auth failed{(proofs.HintOf(request.SignKey, party.Connection) is { } hint ? $" ({hint})" : "")}");
        if (!request.PreCheck) proofs.CheckTime(request.Timestamp, "NatHoleVisitor");
        // The reference asks only in the check, which a visitor may leave out: docs/COMPAT.md, "users of xtcp".
        if (!target!.Entrance.Admits(party.User)) throw new PeerRefusedException($"xtcp visitor user [{party.User}] not allowed for [{request.ProxyName}]");
        return target;
    }

    private async Task RunAsync(Attempt attempt, CancellationToken cancellationToken)
    {
        try
        {
            NatHoleClient answer;
            try
            {
                answer = await attempt.Answered.Task.WaitAsync(AnswerTimeout, time, cancellationToken);
            }
            catch (TimeoutException)
            {
                Log.NoAnswer(logger, attempt.Sid, PeerText.Escape(attempt.Request.ProxyName, 256));
                return;
            }
            if (await InstructAsync(attempt, answer, cancellationToken) is not { } choice) return;
            bool success;
            try
            {
                success = await attempt.Reported.Task.WaitAsync(TimeSpan.FromMilliseconds(choice.Move.Time) + ReportTime, time, cancellationToken);
            }
            catch (TimeoutException)
            {
                return; // nothing to be learnt
            }
            if (success) records.Succeeded(choice);
            Log.Reported(logger, attempt.Sid, success);
        }
        finally
        {
            Leave(attempt);
        }
    }

    private bool TryEnter(Attempt attempt)
    {
        if (_ofVisitors.AddOrUpdate(attempt.Visitor, 1, static (_, count) => count + 1) > MostAttempts)
        {
            LeaveVisitor(attempt.Visitor);
            return false;
        }
        _attempts[attempt.Sid] = attempt;
        return true;
    }

    private void Leave(Attempt attempt)
    {
        _attempts.TryRemove(attempt.Sid, out _);
        LeaveVisitor(attempt.Visitor);
    }

    private void LeaveVisitor(ITraversalParty visitor)
    {
        _ofVisitors.AddOrUpdate(visitor, 0, static (_, count) => count - 1);
        _ofVisitors.TryRemove(KeyValuePair.Create(visitor, 0));
    }

    /// <summary>Tells both sides what to do; null when it cannot be tried, which they are told.</summary>
    private async Task<TraversalChoice?> InstructAsync(Attempt attempt, NatHoleClient answer, CancellationToken cancellationToken)
    {
        var toVisitor = new NatHoleResp { TransactionId = attempt.Request.TransactionId, Sid = attempt.Sid, Protocol = attempt.Request.Protocol };
        var toProxy = toVisitor with { TransactionId = answer.TransactionId };
        TraversalChoice choice;
        try
        {
            var proxy = NatProfile.Of("client", answer.MappedAddrs, answer.AssistedAddrs);
            var visitor = NatProfile.Of("visitor", attempt.Request.MappedAddrs, attempt.Request.AssistedAddrs);
            choice = records.Choose(proxy, visitor);
            var (proxyPart, visitorPart) = choice.Move.PartsOf(proxy);
            (toProxy.CandidateAddrs, toProxy.AssistedAddrs, toProxy.DetectBehavior) = ([.. visitor.Mapped], [.. visitor.Assisted], choice.Move.Instruct(proxyPart, visitor));
            (toVisitor.CandidateAddrs, toVisitor.AssistedAddrs, toVisitor.DetectBehavior) = ([.. proxy.Mapped], [.. proxy.Assisted], choice.Move.Instruct(visitorPart, proxy));
            Log.Chosen(logger, attempt.Sid, choice.Move.Mode, proxyPart.Sends ? "client" : "visitor");
            var (receiver, toReceiver, sender, toSender) = proxyPart.Sends
                ? (attempt.Visitor, toVisitor, attempt.Proxy, toProxy)
                : (attempt.Proxy, toProxy, attempt.Visitor, toVisitor);
            await receiver.PostAsync(toReceiver, cancellationToken);
            await Task.Delay(SenderDelay, time, cancellationToken); // the receiver's packets have to open its NAT first
            await sender.PostAsync(toSender, cancellationToken);
            return choice;
        }
        catch (PeerRefusedException e)
        {
            Log.Impossible(logger, attempt.Sid, PeerText.Escape(e.Message, 1024));
            toVisitor.Error = toProxy.Error = e.Message;
            await attempt.Visitor.PostAsync(toVisitor, cancellationToken);
            await attempt.Proxy.PostAsync(toProxy, cancellationToken);
            return null;
        }
    }

    // Source: wire specification §17.2: decimal Unix seconds and 16 hexadecimal digits.
    private string NewSid() =>
        time.GetUtcNow().ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture) + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));

    private sealed class Attempt(string sid, ITraversalParty visitor, ITraversalParty proxy, NatHoleVisitor request)
    {
        internal string Sid => sid;
        internal ITraversalParty Visitor => visitor;
        internal ITraversalParty Proxy => proxy;
        internal NatHoleVisitor Request => request;
        internal TaskCompletionSource<NatHoleClient> Answered { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
        internal TaskCompletionSource<bool> Reported { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "xtcp attempt [{Sid}]: the client of [{Proxy}] did not answer")]
        internal static partial void NoAnswer(ILogger logger, string sid, string proxy);

        [LoggerMessage(2, LogLevel.Information, "xtcp attempt [{Sid}]: mode {Mode}, the {Sender} sends")]
        internal static partial void Chosen(ILogger logger, string sid, int mode, string sender);

        [LoggerMessage(3, LogLevel.Information, "xtcp attempt [{Sid}] cannot be made: {Cause}")]
        internal static partial void Impossible(ILogger logger, string sid, string cause);

        [LoggerMessage(4, LogLevel.Information, "xtcp attempt [{Sid}] reported: success {Success}")]
        internal static partial void Reported(ILogger logger, string sid, bool success);
    }
}
