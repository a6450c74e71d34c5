using System.Net;
using Frp.Wire;

namespace Frp.Transport;

/// <summary>The only place that knows the order of the layers on a work or visitor connection: from the wire upwards, encryption, then compression.</summary>
/// <remarks>Source: wire specification §12.1.</remarks>
public static class PayloadLayers
{
    /// <summary>Puts the wanted layers on a connection.</summary>
    /// <param name="connection">The connection. Ownership passes to the result.</param>
    /// <param name="surplus">Bytes that were read from it already; they come first.</param>
    /// <param name="key">Key of the encryption; null for none.</param>
    /// <param name="compress">Whether to compress.</param>
    public static Connection Wrap(Connection connection, ReadOnlyMemory<byte> surplus, byte[]? key, bool compress)
    {
        if (!surplus.IsEmpty) connection = new PrefixedConnection(connection, surplus);
        if (key is null && !compress) return connection;
        var stream = connection.Stream;
        if (key is not null) stream = new CfbStream(stream, key);
        if (compress) stream = new SnappyStream(stream);
        return new LayeredConnection(connection, stream);
    }

    /// <summary>A connection whose bytes go through further streams; its ends are those of the connection below.</summary>
    private sealed class LayeredConnection(Connection inner, Stream stream) : Connection
    {
        public override Stream Stream => stream;

        public override EndPoint? Local => inner.Local;

        public override EndPoint? Remote => inner.Remote;

        public override bool CanHalfClose => inner.CanHalfClose;

        public override async ValueTask CompleteWritesAsync(CancellationToken cancellationToken)
        {
            await stream.FlushAsync(cancellationToken);
            await inner.CompleteWritesAsync(cancellationToken);
        }

        public override void Abort() => inner.Abort();

        public override async ValueTask DisposeAsync()
        {
            await stream.DisposeAsync(); // gives the layers' buffers back
            await inner.DisposeAsync();
        }
    }
}
