using Frp.Config;
using Frp.Proxies;
using Frp.Web;

namespace Frp.Client;

/// <summary>The client's own places of its admin API: state, configuration, reload and stop.</summary>
/// <remarks>Source: http-api specification §6.</remarks>
internal sealed class AdminApi(AdminSubject client)
{
    private const int BadRequest = 400;
    private const int NotFound = 404;
    private const int InternalError = 500;
    private const string NoFile = "invalid argument: frpc has no config file path";

    private readonly DefinitionJson<ProxyConfig> _proxyJson = new(ProxyKinds.Catalog);
    private readonly DefinitionJson<VisitorConfig> _visitorJson = new(ProxyKinds.Catalog);

    /// <summary>The places.</summary>
    internal IEnumerable<WebRoute> Routes =>
    [
        WebRoute.Get("/api/reload", ReloadAsync),
        WebRoute.Post("/api/stop", _ => ValueTask.FromResult(WebAnswer.Empty with { Afterwards = client.Stop })),
        WebRoute.Get("/api/status", _ => ValueTask.FromResult(Status())),
        WebRoute.Get("/api/config", _ => ValueTask.FromResult(ReadConfig())),
        WebRoute.Put("/api/config", WriteConfigAsync),
        WebRoute.Get("/api/proxy/{name}/config", request => ValueTask.FromResult(Proxy(request["name"]))),
        WebRoute.Get("/api/visitor/{name}/config", request => ValueTask.FromResult(Visitor(request["name"]))),
    ];

    private async ValueTask<WebAnswer> ReloadAsync(WebRequest request)
    {
        try
        {
            await client.Changes.ReloadAsync(request.QueryFlag("strictConfig"), request.Aborted);
            return WebAnswer.Empty;
        }
        catch (ConfigException e)
        {
            return WebAnswer.Error(BadRequest, $"invalid argument: {e.Message}");
        }
        catch (ApplyException e)
        {
            return WebAnswer.Error(InternalError, e.Message);
        }
    }

    private WebAnswer Status()
    {
        var types = new SortedDictionary<string, List<ProxyStatusBody>>(StringComparer.Ordinal);
        if (client.Proxies.HasSession)
        {
            foreach (var proxy in client.Proxies.All)
            {
                if (!types.TryGetValue(proxy.Config.Type, out var list)) types.Add(proxy.Config.Type, list = []);
                bool isStored = client.File?.Store?.Find<ProxyConfig>(proxy.Config.Name) is { Enabled: not false };
                list.Add(ProxyStatusBody.Of(proxy.Config, proxy.Status, client.Config.ServerAddr, isStored));
            }
        }
        return WebAnswer.Json(types, AdminJson.Relaxed.SortedDictionaryStringListProxyStatusBody);
    }

    private WebAnswer ReadConfig()
    {
        if (client.File is null) return WebAnswer.Error(BadRequest, NoFile);
        try
        {
            return WebAnswer.Bytes(ConfigFile.Read(client.File.Path), WebAnswer.PlainText);
        }
        catch (ConfigException e)
        {
            return WebAnswer.Error(BadRequest, $"invalid argument: {e.Message}");
        }
    }

    private async ValueTask<WebAnswer> WriteConfigAsync(WebRequest request)
    {
        byte[] body = await request.ReadBodyAsync();
        if (body.Length == 0) return WebAnswer.Error(BadRequest, "body can't be empty");
        if (client.File is null) return WebAnswer.Error(BadRequest, NoFile);
        try
        {
            await client.Changes.WriteFileAsync(body, request.Aborted);
            return WebAnswer.Empty;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return WebAnswer.Error(InternalError, $"write config file error: {e.Message}");
        }
    }

    private WebAnswer Proxy(string name) =>
        (client.Proxies.FindByName(name)?.Config ?? client.File?.Store?.Find<ProxyConfig>(name)) is { } proxy
            ? _proxyJson.One(proxy)
            : WebAnswer.Error(NotFound, $"proxy \"{name}\" not found");

    private WebAnswer Visitor(string name) =>
        (client.Visitors.Find(name)?.Config ?? client.File?.Store?.Find<VisitorConfig>(name)) is { } visitor
            ? _visitorJson.One(visitor)
            : WebAnswer.Error(NotFound, $"visitor \"{name}\" not found");
}
