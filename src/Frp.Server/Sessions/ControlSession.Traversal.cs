using Frp.Proxies;
using Frp.Transport;
using Frp.Wire;
using Microsoft.Extensions.Logging;

namespace Frp.Server;

/// <summary>The session as a side of attempts to do without the server (kind xtcp).</summary>
internal sealed partial class ControlSession : ITraversalParty
{
    string ITraversalParty.User => Login.User;

    Connection ITraversalParty.Connection => Channel.Connection;

    void ITraversalParty.Run(string name, Func<CancellationToken, Task> work) => _scope.RunChild(name, work);

    ValueTask ITraversalParty.PostAsync(Message message, CancellationToken cancellationToken) => Channel.PostAsync(message, cancellationToken);

    /// <returns>The answer, if the message has one now.</returns>
    private NatHoleResp? OnTraversal(Message message)
    {
        switch (message)
        {
            case NatHoleClient answer:
                _server.Traversal.Answer(this, answer);
                return null;
            case NatHoleReport report:
                _server.Traversal.Report(this, report);
                return null;
        }
        var request = (NatHoleVisitor)message;
        try
        {
            return _server.Traversal.Begin(this, request, _server.Settings().Secrets);
        }
        catch (PeerRefusedException e)
        {
            TraversalLog.Refused(_logger, PeerText.Escape(e.Message, 1024));
            return new NatHoleResp { TransactionId = request.TransactionId, Error = _server.Config.DetailedErrorsToClient ? e.Message : "xtcp visitor refused" };
        }
    }

    private static partial class TraversalLog
    {
        [LoggerMessage(1, LogLevel.Warning, "xtcp visitor refused: {Cause}")]
        internal static partial void Refused(ILogger logger, string cause);
    }
}
