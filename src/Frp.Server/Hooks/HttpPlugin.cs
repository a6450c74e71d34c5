using System.Net;
using System.Net.Http.Headers;
using Frp.Config;

namespace Frp.Server;

/// <summary>A hook behind HTTP: the configuration's <c>httpPlugins</c>.</summary>
/// <remarks>Source: wire specification §19.1. <b>Concurrency.</b> Any number of calls at once.</remarks>
internal sealed class HttpPlugin : IServerHook
{
    private static readonly MediaTypeHeaderValue Json = new("application/json");

    private readonly PluginClient _http;
    private readonly string _address;

    /// <summary>Prepares a plug-in; nothing is sent yet.</summary>
    /// <param name="config">The plug-in.</param>
    /// <param name="clients">Through which it is asked.</param>
    /// <exception cref="ConfigException">Its address is none.</exception>
    internal HttpPlugin(HttpPluginConfig config, PluginClients clients)
    {
        Name = config.Name;
        foreach (string operation in config.Ops) Operations |= Enum.Parse<ServerOperations>(operation);
        _address = $"{(config.Addr.Contains("://", StringComparison.Ordinal) ? "" : "http://")}{config.Addr}{config.Path}";
        if (!Uri.TryCreate(_address, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https")) throw new ConfigException($"httpPlugins [{config.Name}]: {_address} is not an http or https address");
        _http = uri.Scheme == "http" ? clients.Plain : config.TlsVerify ? clients.Verifying : clients.Trusting;
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public ServerOperations Operations { get; }

    /// <inheritdoc/>
    public async ValueTask OnEventAsync(ServerEvent serverEvent, CancellationToken cancellationToken)
    {
        byte[] body = PluginCall.Request(serverEvent);
        using var response = await _http.SendAsync(NewRequest, cancellationToken);
        if (response.StatusCode != HttpStatusCode.OK) throw new HttpRequestException($"do http request error code: {(int)response.StatusCode}");
        PluginCall.Apply(await response.Content.ReadAsByteArrayAsync(cancellationToken), serverEvent, Name);

        HttpRequestMessage NewRequest()
        {
            var request = new HttpRequestMessage(HttpMethod.Post, $"{_address}?op={serverEvent.Operation}&version={PluginCall.Version}");
            request.Content = new ByteArrayContent(body) { Headers = { ContentType = Json } };
            request.Headers.Add("X-Frp-Reqid", serverEvent.Id);
            return request;
        }
    }
}
