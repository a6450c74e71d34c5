using Frp.Transport;

namespace Frp.Client;

/// <summary>What visitors need of a session with the server.</summary>
internal interface IVisitorSession
{
    /// <summary>The id that the server gave.</summary>
    string RunId { get; }

    /// <summary>Whether client and server have agreed that a FIN ends one direction only.</summary>
    bool HalfClose { get; }

    /// <summary>Its questions to the server's broker.</summary>
    TraversalQuestions Traversal { get; }

    /// <summary>Opens a logical connection to the server, now the caller's. It may outlive the session where the carrier allows it.</summary>
    /// <exception cref="IOException">The session is over, or the server cannot be reached.</exception>
    ValueTask<Connection> OpenAsync(CancellationToken cancellationToken);
}
