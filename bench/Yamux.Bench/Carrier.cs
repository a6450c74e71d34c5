using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Yamux.Bench;

/// <summary>A loopback TCP connection, with TLS over a gathering stream where asked for.</summary>
internal static class Carrier
{
    public static async Task<Stream> AcceptAsync(TcpListener listener, bool tls)
    {
        Socket socket = await listener.AcceptSocketAsync();
        socket.NoDelay = true;
        var stream = new GatheringStream(new NetworkStream(socket, ownsSocket: true));
        if (!tls) return stream;

        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=bench", key, HashAlgorithmName.SHA256);
        using X509Certificate2 certificate = request.CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(100));
        var secure = new SslStream(stream);
        await secure.AuthenticateAsServerAsync(new SslServerAuthenticationOptions
        {
            ServerCertificate = X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pfx), null),
            CipherSuitesPolicy = Suites(),
        });
        return secure;
    }

    public static async Task<Stream> DialAsync(int port, bool tls)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, port));
        var stream = new GatheringStream(new NetworkStream(socket, ownsSocket: true));
        if (!tls) return stream;
        var secure = new SslStream(stream);
        await secure.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = "bench",
#pragma warning disable CA5359 // a self-signed certificate of our own making, on loopback
            RemoteCertificateValidationCallback = static (_, _, _, _) => true,
#pragma warning restore CA5359
            CipherSuitesPolicy = Suites(),
        });
        return secure;
    }

#pragma warning disable CA1416 // not on Windows, where the platform chooses
    private static CipherSuitesPolicy? Suites() => OperatingSystem.IsWindows() ? null : new([TlsCipherSuite.TLS_AES_128_GCM_SHA256]);
#pragma warning restore CA1416

    /// <summary>Gathers writes until a flush, and reads large: under TLS, records of one batch leave in one send.</summary>
    private sealed class GatheringStream(Stream inner) : Stream
    {
        private readonly byte[] _out = new byte[256 * 1024];
        private readonly byte[] _in = new byte[128 * 1024];
        private int _pending;
        private int _start;
        private int _end;

        public override bool CanRead => true;
        public override bool CanWrite => true;
        public override bool CanSeek => false;
        public override long Length => throw new NotSupportedException();
        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (_start == _end)
            {
                if (buffer.Length >= _in.Length) return inner.ReadAsync(buffer, cancellationToken);
                ValueTask<int> reading = inner.ReadAsync(_in, cancellationToken);
                if (!reading.IsCompletedSuccessfully) return FillAsync(reading, buffer);
                (_start, _end) = (0, reading.GetAwaiter().GetResult());
            }

            return new ValueTask<int>(Take(buffer));
        }

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (_pending + buffer.Length > _out.Length) await FlushAsync(cancellationToken);
            if (buffer.Length > _out.Length / 2)
            {
                await inner.WriteAsync(buffer, cancellationToken);
                return;
            }

            buffer.CopyTo(_out.AsMemory(_pending));
            _pending += buffer.Length;
        }

        public override Task FlushAsync(CancellationToken cancellationToken)
        {
            if (_pending == 0) return Task.CompletedTask;
            ValueTask writing = inner.WriteAsync(_out.AsMemory(0, _pending), cancellationToken);
            _pending = 0;
            return writing.IsCompletedSuccessfully ? Task.CompletedTask : writing.AsTask();
        }

        public override void Flush() => throw new NotSupportedException();
        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            inner.Dispose();
            base.Dispose(disposing);
        }

        private async ValueTask<int> FillAsync(ValueTask<int> reading, Memory<byte> buffer)
        {
            (_start, _end) = (0, await reading);
            return Take(buffer);
        }

        private int Take(Memory<byte> buffer)
        {
            int count = Math.Min(buffer.Length, _end - _start);
            _in.AsMemory(_start, count).CopyTo(buffer);
            _start += count;
            return count;
        }
    }
}
