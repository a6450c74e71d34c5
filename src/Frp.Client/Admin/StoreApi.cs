using Frp.Config;
using Frp.Web;

namespace Frp.Client;

/// <summary>The places of the store: proxies and visitors that are made, changed and taken out while the client runs.</summary>
/// <remarks>A change is on the disk, and in effect, before it is answered. Source: http-api specification §7.</remarks>
internal static class StoreApi
{
    /// <summary>The places. Clients without a store have none.</summary>
    internal static IEnumerable<WebRoute> RoutesOf(ConfigChanges changes, EntryStore store, ClientCatalog catalog) =>
    [
        .. new Collection<ProxyConfig>("proxies", changes, store, catalog).Routes,
        .. new Collection<VisitorConfig>("visitors", changes, store, catalog).Routes,
    ];

    private sealed class Collection<T>(string key, ConfigChanges changes, EntryStore store, ClientCatalog catalog) where T : EntryConfig
    {
        private readonly DefinitionJson<T> _json = new(catalog);

        internal IEnumerable<WebRoute> Routes =>
        [
            WebRoute.Get($"/api/store/{key}", _ => ValueTask.FromResult(_json.All(key, EntryStore.ListOf<T>(store.Entries).OrderBy(e => e.Name, StringComparer.Ordinal)))),
            WebRoute.Post($"/api/store/{key}", request => AnswerAsync(async () =>
            {
                var entry = _json.Read(await request.ReadBodyAsync());
                await changes.CreateAsync(entry, request.Aborted);
                return _json.One(entry);
            })),
            WebRoute.Get($"/api/store/{key}/{{name}}", request => ValueTask.FromResult(Find(request["name"]))),
            WebRoute.Put($"/api/store/{key}/{{name}}", request => AnswerAsync(async () =>
            {
                var entry = _json.Read(await request.ReadBodyAsync(), request["name"]);
                await changes.UpdateAsync(entry, request.Aborted);
                return _json.One(entry);
            })),
            WebRoute.Delete($"/api/store/{key}/{{name}}", request => AnswerAsync(async () =>
            {
                await changes.DeleteAsync<T>(request["name"], request.Aborted);
                return WebAnswer.Empty;
            })),
        ];

        private WebAnswer Find(string name) => store.Find<T>(name) is { } entry
            ? _json.One(entry)
            : WebAnswer.Error(404, $"not found: {EntryStore.WordFor<T>()} \"{name}\"");

        private static async ValueTask<WebAnswer> AnswerAsync(Func<Task<WebAnswer>> change)
        {
            try
            {
                return await change();
            }
            catch (DefinitionException e)
            {
                return WebAnswer.Error(400, e.Message);
            }
            catch (InvalidEntryException e)
            {
                return WebAnswer.Error(400, $"invalid argument: {e.Message}");
            }
            catch (StoreException e)
            {
                // Compat: the words for a name that is not there come twice.
                return e.Fault switch
                {
                    StoreFault.AlreadyExists => WebAnswer.Error(409, $"conflict: {e.Message}"),
                    StoreFault.NotFound => WebAnswer.Error(404, $"not found: {e.Message}"),
                    _ => WebAnswer.Error(500, e.Message),
                };
            }
            catch (ApplyException e)
            {
                return WebAnswer.Error(500, e.Message);
            }
        }
    }
}
