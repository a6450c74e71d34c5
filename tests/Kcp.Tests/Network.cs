namespace Kcp.Tests;

/// <summary>Two conversations and what lies between them, on a clock that jumps from event to event.</summary>
internal sealed class Network
{
    private readonly Random _random;
    private readonly PriorityQueue<(int To, byte[] Datagram), (long At, int Order)> _underWay = new();
    private readonly End[] _ends;
    private int _order;

    internal Network(int seed, Faults faults, KcpOptions? client = null, KcpOptions? server = null)
    {
        (_random, Faults) = (new Random(seed), faults);
        _ends = [new End(this, 0, client ?? new KcpOptions()), new End(this, 1, server ?? new KcpOptions { SendWindow = 1024, ReceiveWindow = 1024 })];
    }

    internal Faults Faults { get; set; }

    internal long Now { get; private set; }

    internal int Carried { get; private set; }

    internal int Reconstructed { get; private set; }

    internal End this[int index] => _ends[index];

    /// <summary>Lets both write and read all they want, until nothing happens any more, or the time is over.</summary>
    internal void Run(long until, Func<bool> isDone)
    {
        while (!isDone())
        {
            Assert.True(Now < until, $"not done at {Now} ms");
            foreach (var end in _ends) end.Work();
            long next = Math.Min(_ends[0].Conversation.DueAt, _ends[1].Conversation.DueAt);
            if (_underWay.TryPeek(out _, out var first)) next = Math.Min(next, first.At);
            if (isDone()) return;
            Assert.True(next < long.MaxValue, $"nothing will happen any more at {Now} ms");
            Now = Math.Max(Now, next);
            while (_underWay.TryPeek(out var item, out first) && first.At <= Now)
            {
                _underWay.Dequeue();
                _ends[item.To].Receive(item.Datagram);
            }
        }
    }

    private void Carry(int from, ReadOnlySpan<byte> datagram)
    {
        Carried++;
        int copies = _random.NextDouble() < Faults.Loss ? 0 : _random.NextDouble() < Faults.Duplicates ? 2 : 1;
        for (int i = 0; i < copies; i++)
        {
            long delay = Faults.Delay + (_random.NextDouble() < Faults.Reordering ? _random.Next(1, 60) : 0);
            _underWay.Enqueue((1 - from, datagram.ToArray()), (Now + delay, _order++));
        }
    }

    internal sealed class End : IDatagramOutput
    {
        private readonly Network _network;
        private readonly int _index;
        private readonly FecEncoder _encoder = new();
        private readonly FecDecoder _decoder = new();
        private int _written;

        internal End(Network network, int index, KcpOptions options)
        {
            (_network, _index) = (network, index);
            Conversation = new Conversation(7, (uint)(index * 0x7fff_ff00), options);
        }

        internal Conversation Conversation { get; }

        internal byte[] ToSend { get; set; } = [];

        internal List<byte> Received { get; } = [];

        internal bool Reads { get; set; } = true;

        internal bool IsDone => _written == ToSend.Length && Conversation.IsDelivered;

        internal void Work()
        {
            if (_written < ToSend.Length) _written += Conversation.Write(ToSend.AsSpan(_written, Math.Min(ToSend.Length - _written, 1 + _network._random.Next(20_000))), _network.Now);
            Span<byte> buffer = stackalloc byte[3000];
            while (Reads && Conversation.IsReadable) Received.AddRange(buffer[..Conversation.Read(buffer, _network.Now)]);
            if (Conversation.DueAt <= _network.Now) Conversation.Flush(_network.Now, this);
        }

        internal void Receive(byte[] datagram)
        {
            if (FecHeader.TypeOf(datagram) == FecHeader.Data) Assert.True(Conversation.Input(datagram.AsSpan(8), false, _network.Now));
            int found = _network.Faults.Corrects ? _decoder.Add(datagram, _network.Now) : 0;
            for (int i = 0; i < found; i++)
            {
                byte[] result = _decoder.Result(i).ToArray();
                Assert.True(Conversation.IsWhole(result));
                Conversation.Input(result, true, _network.Now);
                _network.Reconstructed++;
            }
            Work();
        }

        bool IDatagramOutput.Send(Span<byte> datagram)
        {
            Assert.True(datagram.Length <= 1358);
            bool hasParity = _encoder.Add(datagram, _network.Now);
            _network.Carry(_index, datagram);
            Span<byte> parity = stackalloc byte[1400];
            for (int i = 0; hasParity && i < 3; i++) _network.Carry(_index, parity[.._encoder.TakeParity(i, parity)]);
            return true;
        }
    }
}

/// <summary>What a network does to datagrams.</summary>
internal sealed record Faults(double Loss = 0, double Duplicates = 0, double Reordering = 0, int Delay = 10, bool Corrects = true);
