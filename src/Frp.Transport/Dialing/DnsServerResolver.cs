using System.Net;
using System.Net.Sockets;
using DnsClient;

namespace Frp.Transport;

/// <summary>Asks one DNS server, <c>dnsServer</c>, and not the system's.</summary>
public sealed class DnsServerResolver : INameResolver
{
    private const int DefaultPort = 53;
    private readonly LookupClient _client;

    /// <summary>Remembers whom to ask.</summary>
    /// <param name="timeProvider">The clock.</param>
    /// <param name="server"><c>address</c> or <c>address:port</c>.</param>
    public DnsServerResolver(string server, TimeProvider timeProvider)
    {
        _ = timeProvider;
        var ep = IPEndPoint.Parse(server);
        _client = new LookupClient(new LookupClientOptions(new NameServer(ep.Address, ep.Port == 0 ? DefaultPort : ep.Port)));
    }

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<IPAddress>> ResolveAsync(string host, CancellationToken cancellationToken)
    {
        var r = await _client.QueryAsync(host, QueryType.A, cancellationToken: cancellationToken);
        var list = r.Answers.AddressRecords().Select(a => a.Address).ToList();
        return list.Count > 0 ? list : throw new SocketException((int)SocketError.HostNotFound);
    }
}
