using System.Net.Sockets;
using Frp.Transport;

namespace Frp.Server;

/// <summary>
/// Watches a user and the work connection that was chosen for it until one of them says something: up to then nothing is lost
/// when the work connection dies, and the user can be given to somebody else.
/// </summary>
/// <remarks>
/// Nothing is read, so that a relay behind it can take its short way. It costs one wake-up for each user, and is therefore for users
/// only who can be given to somebody else.
/// </remarks>
internal static class FirstBytes
{
    /// <summary>Waits for the first byte from either side.</summary>
    /// <param name="user">Not owned.</param>
    /// <param name="work">Not owned.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>Whether the work connection is alive, as far as can be told. When it is not, nothing has been read from the user.</returns>
    internal static async ValueTask<bool> WaitAsync(Connection user, WorkConnection work, CancellationToken cancellationToken)
    {
        // A user whose first bytes are known already, or neither a socket nor a mux stream to the client: one look must do.
        if (!user.TryGetSocket(out var socket) || !work.CanBeWatched) return !work.IsOver;
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        // Reads of no bytes complete when there is something to read, or the end.
        var userSpeaks = socket.ReceiveAsync(Memory<byte>.Empty, SocketFlags.None, enough.Token).AsTask();
        var workSpeaks = work.Connection.Stream.ReadAsync(Memory<byte>.Empty, enough.Token).AsTask();
        await Task.WhenAny(userSpeaks, workSpeaks);
        await enough.CancelAsync();
        await ((Task)Task.WhenAll(userSpeaks, workSpeaks)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        cancellationToken.ThrowIfCancellationRequested();
        return !work.IsOver;
    }
}
