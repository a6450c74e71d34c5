namespace Frp.Wire.Tests;

internal static class StreamReading
{
    /// <summary>Reads to the end with reads of given sizes, round and round.</summary>
    internal static async Task<byte[]> ReadAllAsync(this Stream stream, params int[] sizes)
    {
        var all = new MemoryStream();
        for (var i = 0; ; i++)
        {
            var buffer = new byte[sizes.Length == 0 ? 4096 : Math.Max(1, sizes[i % sizes.Length])];
            var count = await stream.ReadAsync(buffer, TestContext.Current.CancellationToken);
            if (count == 0) return all.ToArray();
            all.Write(buffer, 0, count);
        }
    }

    /// <summary>Writes in pieces of given sizes, round and round.</summary>
    internal static async Task WritePiecesAsync(this Stream stream, byte[] data, params int[] sizes)
    {
        for (int at = 0, i = 0; at < data.Length; i++)
        {
            var count = Math.Min(Math.Max(1, sizes[i % sizes.Length]), data.Length - at);
            await stream.WriteAsync(data.AsMemory(at, count), TestContext.Current.CancellationToken);
            at += count;
        }
    }

    /// <summary>All messages up to the end of the stream.</summary>
    internal static async Task<List<Message>> ReadAllAsync(this MessageStream stream)
    {
        var messages = new List<Message>();
        while (true)
        {
            try
            {
                messages.Add(await stream.ReadAsync(TestContext.Current.CancellationToken));
            }
            catch (EndOfStreamException)
            {
                return messages;
            }
        }
    }
}
