namespace Frp.Server;

/// <summary>The virtual-host fronts of a server: null where the configuration leaves the port off.</summary>
internal sealed class Vhosts : IAsyncDisposable
{
    /// <summary>Requests by host name and path.</summary>
    internal HttpFront? Http { get; init; }

    /// <summary>TLS by the host name of its ClientHello.</summary>
    internal TlsFront? Tls { get; init; }

    /// <summary>Byte streams by the host name of a CONNECT.</summary>
    internal ConnectFront? Connect { get; init; }

    public async ValueTask DisposeAsync()
    {
        if (Http is not null) await Http.DisposeAsync();
        if (Tls is not null) await Tls.DisposeAsync();
        if (Connect is not null) await Connect.DisposeAsync();
    }
}
