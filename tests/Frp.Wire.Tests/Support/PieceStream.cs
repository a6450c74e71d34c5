namespace Frp.Wire.Tests;

/// <summary>Bytes that arrive in given pieces, and a record of what was written. Every other read completes asynchronously.</summary>
public sealed class PieceStream : Stream
{
    private readonly Queue<byte[]> _pieces = new();
    private int _offset;

    public PieceStream(params IEnumerable<byte[]> pieces)
    {
        foreach (var piece in pieces)
        {
            if (piece.Length > 0) _pieces.Enqueue(piece);
        }
    }

    /// <summary>One element per write.</summary>
    public List<byte[]> Writes { get; } = [];

    /// <summary>Everything written.</summary>
    public byte[] Written => [.. Writes.SelectMany(w => w)];

    /// <summary>Number of reads, zero-byte ones included.</summary>
    public int Reads { get; private set; }

    public int Flushes { get; private set; }

    public bool IsDisposed { get; private set; }

    /// <summary>The next writes fail with this.</summary>
    public Exception? WriteFailure { get; set; }

    /// <summary>Cuts bytes into pieces whose lengths come round and round.</summary>
    public static PieceStream Cut(byte[] data, params int[] lengths)
    {
        var pieces = new List<byte[]>();
        for (int at = 0, i = 0; at < data.Length; i++)
        {
            var length = Math.Min(lengths.Length == 0 ? data.Length : Math.Max(1, lengths[i % lengths.Length]), data.Length - at);
            pieces.Add(data[at..(at + length)]);
            at += length;
        }
        return new PieceStream(pieces);
    }

    public override bool CanRead => true;
    public override bool CanWrite => true;
    public override bool CanSeek => false;
    public override long Length => throw new NotSupportedException();
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    public override void SetLength(long value) => throw new NotSupportedException();
    public override int Read(byte[] buffer, int offset, int count) => Take(buffer.AsSpan(offset, count));
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    public override void Flush() => Flushes++;

    public override Task FlushAsync(CancellationToken cancellationToken)
    {
        Flushes++;
        return Task.CompletedTask;
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (Reads % 2 == 1) await Task.Yield();
        return Take(buffer.Span);
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var copy = buffer.ToArray();
        if (Writes.Count % 2 == 1) await Task.Yield();
        if (WriteFailure is not null) throw WriteFailure;
        Writes.Add(copy);
    }

    protected override void Dispose(bool disposing)
    {
        IsDisposed = true;
        base.Dispose(disposing);
    }

    private int Take(Span<byte> buffer)
    {
        Reads++;
        if (buffer.IsEmpty || !_pieces.TryPeek(out var piece)) return 0;
        var count = Math.Min(buffer.Length, piece.Length - _offset);
        piece.AsSpan(_offset, count).CopyTo(buffer);
        _offset += count;
        if (_offset == piece.Length)
        {
            _pieces.Dequeue();
            _offset = 0;
        }
        return count;
    }
}
