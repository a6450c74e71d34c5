using System.Net;
using System.Net.Sockets;
using DnsClient;

namespace Frp.Transport;

/// <summary>Asks one DNS server, <c>dnsServer</c>, instead of the system's resolver.</summary>
/// <remarks>
/// <para>The machine's own hosts file comes first, as it does in the reference; search domains are not applied.</para>
/// <para><b>Concurrency.</b> Any number of look-ups at once.</para>
/// </remarks>
public sealed class DnsServerResolver : INameResolver
{
    private const int DefaultPort = 53;
    private const string HostsFile = "/etc/hosts";
    // Source: resolv.conf(5) and Go's resolver: 5 s a try, two tries.
    private static readonly TimeSpan TryTimeout = TimeSpan.FromSeconds(5);
    private const int Retries = 1;

    private readonly string _host;
    private readonly int _port;
    private LookupClient? _client;

    /// <summary>Remembers whom to ask. Nothing is asked yet.</summary>
    /// <param name="server"><c>host</c> or <c>host:port</c>; port 53 is added when missing.</param>
    /// <exception cref="ArgumentException">It is neither.</exception>
    public DnsServerResolver(string server)
    {
        (_host, _port) = Split(server);
    }

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<IPAddress>> ResolveAsync(string host, CancellationToken cancellationToken)
    {
        if (await FindInHostsFileAsync(host, cancellationToken) is { Count: > 0 } known) return known;
        var client = _client ??= await CreateClientAsync(cancellationToken);
        try
        {
            // Both families at once; IPv4 is tried first, since a broken IPv6 route costs a timeout and the reverse is rare.
            var four = client.QueryAsync(host, QueryType.A, cancellationToken: cancellationToken);
            var six = client.QueryAsync(host, QueryType.AAAA, cancellationToken: cancellationToken);
            await Task.WhenAll(four, six);
            IPAddress[] found = [.. Addresses(await four), .. Addresses(await six)];
            return found.Length > 0 ? found : throw NotFound(host, (await four).ErrorMessage);
        }
        catch (DnsResponseException e)
        {
            cancellationToken.ThrowIfCancellationRequested(); // the client reports a cancelled query as a failed one
            throw NotFound(host, e.DnsError);
        }
    }

    private static IEnumerable<IPAddress> Addresses(IDnsQueryResponse response) => response.Answers.AddressRecords().Select(static r => r.Address);

    private SocketException NotFound(string host, string? why) =>
        new((int)SocketError.HostNotFound, $"lookup {host} on {EndPoints.Join(_host, _port)}: {(string.IsNullOrEmpty(why) ? "no such host" : why)}");

    private async ValueTask<LookupClient> CreateClientAsync(CancellationToken cancellationToken)
    {
        var address = IPAddress.TryParse(_host, out var literal) ? literal : (await Dns.GetHostAddressesAsync(_host, cancellationToken))[0];
        return new LookupClient(new LookupClientOptions(new NameServer(address, _port))
        {
            UseCache = false,
            Timeout = TryTimeout,
            Retries = Retries,
            UseTcpFallback = true,
            ThrowDnsErrors = false,
        });
    }

    private static (string Host, int Port) Split(string server)
    {
        if (IPAddress.TryParse(server, out var bare) && !server.StartsWith('[')) return (bare.ToString(), DefaultPort);
        if (IPEndPoint.TryParse(server, out var endPoint)) return (endPoint.Address.ToString(), endPoint.Port == 0 ? DefaultPort : endPoint.Port);
        var colon = server.LastIndexOf(':');
        var host = colon < 0 ? server : server[..colon];
        if (Uri.CheckHostName(host) == UriHostNameType.Dns)
        {
            if (colon < 0) return (host, DefaultPort);
            if (ushort.TryParse(server[(colon + 1)..], out var port) && port > 0) return (host, port);
        }
        throw new ArgumentException($"dnsServer [{server}] is not host or host:port");
    }

    // address name name ... # comment
    private static async ValueTask<List<IPAddress>> FindInHostsFileAsync(string host, CancellationToken cancellationToken)
    {
        List<IPAddress> found = [];
        if (!File.Exists(HostsFile)) return found;
        foreach (var line in await File.ReadAllLinesAsync(HostsFile, cancellationToken))
        {
            var words = line.Split('#')[0].Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            if (words.Length > 1 && words.AsSpan(1).Contains(host, StringComparer.OrdinalIgnoreCase) && IPAddress.TryParse(words[0], out var address)
                && !found.Contains(address))
            {
                found.Add(address);
            }
        }
        return found;
    }
}
