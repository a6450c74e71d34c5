using System.Net;
using Frp.Wire;

namespace Frp.Transport;

/// <summary>The only place that knows the order of the layers on a work or visitor connection: from the wire upwards, a limit of the
/// bytes on the wire, encryption, compression, a limit of the payload.</summary>
/// <remarks>Source: wire specification §12.1, §12.4.</remarks>
public static class PayloadLayers
{
    /// <summary>Puts the wanted layers on a connection.</summary>
    /// <param name="connection">The connection. Ownership passes to the result.</param>
    /// <param name="surplus">Bytes that were read from it already; they come first.</param>
    /// <param name="key">Key of the encryption; null for none.</param>
    /// <param name="compress">Whether to compress.</param>
    /// <param name="wireLimit">Limits the bytes as they are on the wire; null for no limit.</param>
    /// <param name="payloadLimit">Limits the bytes as they are above all layers; null for no limit.</param>
    public static Connection Wrap(
        Connection connection, ReadOnlyMemory<byte> surplus, byte[]? key, bool compress, BandwidthLimiter? wireLimit = null, BandwidthLimiter? payloadLimit = null)
    {
        if (!surplus.IsEmpty) connection = new PrefixedConnection(connection, surplus);
        if (wireLimit is not null) connection = new LimitedConnection(connection, wireLimit);
        if (key is not null || compress)
        {
            var stream = connection.Stream;
            if (key is not null) stream = new CfbStream(stream, key);
            if (compress) stream = new SnappyStream(stream);
            connection = new LayeredConnection(connection, stream);
        }
        return payloadLimit is null ? connection : new LimitedConnection(connection, payloadLimit);
    }

    /// <summary>A connection whose bytes go through further streams; its ends are those of the connection below.</summary>
    private sealed class LayeredConnection(Connection inner, Stream stream) : Connection
    {
        public override Stream Stream => stream;

        public override EndPoint? Local => inner.Local;

        public override EndPoint? Remote => inner.Remote;

        public override bool CanHalfClose => inner.CanHalfClose;

        public override bool HasPeerLeft => inner.HasPeerLeft;

        public override LinkState State => inner.State;

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
