namespace Kcp;

/// <summary>Where a conversation's datagrams go.</summary>
internal interface IDatagramOutput
{
    /// <summary>Sends a datagram.</summary>
    /// <param name="datagram">
    /// <see cref="DatagramPacker.Headroom"/> bytes for whoever puts a header in front, then segments. The receiver may write into all of it.
    /// </param>
    /// <returns>False when it could not be sent, and more would not be either for the moment.</returns>
    bool Send(Span<byte> datagram);
}

/// <summary>Puts segments together into datagrams.</summary>
internal ref struct DatagramPacker(Span<byte> buffer, IDatagramOutput output)
{
    /// <summary>Room in front of the segments.</summary>
    internal const int Headroom = 8;

    /// <summary>Bytes of segments in one datagram. Source: wire reference 4.4.1.</summary>
    internal const int MaxLength = 1350;

    private readonly Span<byte> _buffer = buffer;
    private int _length = Headroom;

    /// <summary>Whether something could not be sent.</summary>
    internal bool IsBlocked { get; private set; }

    internal void Add(in SegmentHeader header, ReadOnlySpan<byte> data)
    {
        int needed = SegmentHeader.Size + data.Length;
        if (_length + needed > Headroom + MaxLength) Send();
        header.Write(_buffer[_length..]);
        data.CopyTo(_buffer[(_length + SegmentHeader.Size)..]);
        _length += needed;
    }

    /// <summary>Sends what has been added.</summary>
    internal void Send()
    {
        if (_length > Headroom && !output.Send(_buffer[.._length])) IsBlocked = true;
        _length = Headroom;
    }
}
