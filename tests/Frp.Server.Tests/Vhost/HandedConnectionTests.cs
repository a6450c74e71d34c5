using System.Buffers;
using System.Text;
using Frp.TestKit;
using Frp.Transport;
using Frp.Web;
using Microsoft.AspNetCore.Connections;

namespace Frp.Server.Tests.Vhost;

public sealed class HandedConnectionTests
{
    private static HandedConnection Handed(Stream stream) =>
        new(new FakeConnection { Content = stream }, waitsForAnswers: false, new WaitingRoom(1), new HttpLimits(), TimeProvider.System);

    [Theory]
    [InlineData(typeof(IOException))]
    [InlineData(typeof(InvalidOperationException))]
    [InlineData(typeof(ObjectDisposedException))]
    public async Task Whatever_a_layer_says_ends_what_is_read(Type failure)
    {
        var user = Handed(new LayeredStream { Failure = () => failure == typeof(ObjectDisposedException) ? new ObjectDisposedException("x") : (Exception)Activator.CreateInstance(failure, "x")! });
        await Assert.ThrowsAsync<ConnectionResetException>(() => user.Input.ReadAsync(TestContext.Current.CancellationToken).Soon());
        await user.DisposeAsync().AsTask().Soon();
        await user.Ended.Soon();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_is_flushed_leaves_layers_that_gather(bool waits)
    {
        var stream = new LayeredStream { Waits = waits };
        var user = Handed(stream);
        user.Output.Write("answer"u8);
        Assert.Equal("", stream.Sent);
        await user.Output.FlushAsync(TestContext.Current.CancellationToken).Soon();
        Assert.Equal("answer", stream.Sent);
        await user.DisposeAsync().AsTask().Soon();
    }

    /// <summary>Sends nothing before it is flushed.</summary>
    private sealed class LayeredStream : DuplexStream
    {
        private readonly MemoryStream _gathered = new();

        internal Func<Exception>? Failure { get; init; }

        internal bool Waits { get; init; }

        internal string Sent { get; private set; } = "";

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await Task.Yield();
            return Failure is null ? 0 : throw Failure();
        }

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (Waits) await Task.Yield();
            _gathered.Write(buffer.Span);
        }

        public override Task FlushAsync(CancellationToken cancellationToken)
        {
            Sent = Encoding.ASCII.GetString(_gathered.ToArray());
            return Task.CompletedTask;
        }
    }
}
