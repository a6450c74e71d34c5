using System.Net.Sockets;

namespace Frp.Transport.Tests;

public sealed class UnixSocketTests
{
    [Fact]
    public async Task A_connection_over_a_unix_socket_is_there_until_it_is_closed()
    {
        string path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        try
        {
            listener.Listen();
            var dialled = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await dialled.ConnectAsync(new UnixDomainSocketEndPoint(path), TestContext.Current.CancellationToken);
            var connection = new SocketConnection(dialled);
            using var peer = await listener.AcceptAsync(TestContext.Current.CancellationToken);
            Assert.Equal((LinkState.Delivered, false), (connection.State, connection.HasPeerLeft));

            // A peer that has said all and waits for more is no peer that has gone, and neither is one that we have said all to.
            peer.Shutdown(SocketShutdown.Send);
            await connection.CompleteWritesAsync(TestContext.Current.CancellationToken);
            Assert.Equal((LinkState.Delivered, false), (connection.State, connection.HasPeerLeft));

            await connection.DisposeAsync();
            Assert.Equal(LinkState.Gone, connection.State);
        }
        finally
        {
            File.Delete(path);
        }
    }
}
