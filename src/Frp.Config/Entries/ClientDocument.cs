namespace Frp.Config;

/// <summary>A client's configuration file as it was read: its entries before any is chosen, with the mistakes that reading has found.</summary>
/// <remarks>
/// Proxies and visitors come from the file and from a store. <see cref="Select"/> says which of them run: an enabled entry of the store
/// takes the place of the file's of the same name, then <c>start</c> and <c>enabled</c> choose. Not safe for concurrent use.
/// Source: configuration specification §1 (step 6), §11, §12.
/// </remarks>
public sealed class ClientDocument
{
    private readonly string _name;
    private readonly ClientConfig _config;
    private readonly LoadOptions _options;
    private readonly EntryJson _json;
    private ConfigErrors _errors;

    internal ClientDocument(string name, ClientConfig config, ConfigErrors errors, ClientCatalog catalog, LoadOptions options) =>
        (_name, _config, _errors, _json, _options) = (name, config, errors, new EntryJson(catalog), options);

    /// <summary>The store's file as it was written, relative to the directory of the configuration file; empty = none.</summary>
    public string StorePath => _config.Store.Path;

    /// <summary>The configuration to run, completed and valid, with the entries that are to run in the order of their names.</summary>
    /// <param name="stored">What the store holds; left as it is.</param>
    /// <param name="store">The store's file, for messages.</param>
    /// <exception cref="ConfigException">Something cannot be used; all mistakes are listed, those of reading too.</exception>
    public LoadedConfig<ClientConfig> Select(ClientEntries? stored = null, string store = "")
    {
        var (errors, storeErrors) = (_errors, ConfigErrors.Of(store));
        // Lines are told once: the tree that knows them is not kept for the next selection.
        _errors = ConfigErrors.Of(_name);

        var start = _config.Start.ToHashSet(StringComparer.Ordinal);
        var proxies = Chosen(_config.Proxies, stored?.Proxies ?? [], start);
        var visitors = Chosen(_config.Visitors, stored?.Visitors ?? [], start);

        var config = _config.With([.. proxies.Select(c => c.Entry)], [.. visitors.Select(c => c.Entry)]);
        config.Complete(_options.Environment);
        if (_options.Purpose != LoadPurpose.Find)
            Validate();
        if (!errors.IsEmpty || !storeErrors.IsEmpty)
            throw new ConfigException([.. errors.Errors, .. storeErrors.Errors]);
        return new LoadedConfig<ClientConfig>(config, errors.Warnings);

        void Validate()
        {
            // Names are judged before anything is taken out: a disabled entry has a name too.
            JudgeNames(_config.Proxies, errors, "proxies", "proxy");
            JudgeNames(_config.Visitors, errors, "visitors", "visitor");
            config.Validate(errors, _options.AllowUnsafe);
            if (_options.Purpose == LoadPurpose.Run)
                config.ValidateFeatureGates(errors);
            foreach (var (proxy, isStored) in proxies)
                proxy.Validate(Of(isStored).In($"proxies[{proxy.Index}]", $"proxy {proxy.Name}: "));
            foreach (var (visitor, isStored) in visitors)
                visitor.Validate(Of(isStored).In($"visitors[{visitor.Index}]", $"visitor {visitor.Name}: "));
        }

        ConfigErrors Of(bool isStored) => isStored ? storeErrors : errors;
    }

    private void JudgeNames<T>(List<T> entries, ConfigErrors errors, string key, string what) where T : EntryConfig
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var entry in entries)
        {
            // Without a name, an entry that is chosen is told so by its own validation, and one that is not runs nowhere else.
            if (entry.Name.Length > 0 ? seen.Add(entry.Name) : IsChosen(entry) || _options.Purpose != LoadPurpose.Run)
                continue;
            errors.Add($"{key}[{entry.Index}].name", entry.Name.Length > 0 ? $"{what} name [{entry.Name}] is duplicated" : $"{what} name cannot be empty");
        }
    }

    private List<(T Entry, bool IsStored)> Chosen<T>(List<T> written, List<T> stored, HashSet<string> start) where T : EntryConfig
    {
        var hidden = stored.Where(IsOn).Select(e => e.Name).ToHashSet(StringComparer.Ordinal);
        return
        [
            .. written.Where(e => IsOn(e) && !hidden.Contains(e.Name) && IsNamed(e))
                .Select(e => (e, false))
                .Concat(stored.Where(e => IsOn(e) && IsNamed(e)).Select(e => (Copy(e), true)))
                .OrderBy(e => e.Item1.Name, StringComparer.Ordinal),
        ];

        bool IsNamed(T entry) => start.Count == 0 || start.Contains(entry.Name);

        // The store keeps its entries without defaults.
        T Copy(T entry)
        {
            var copy = _json.Clone(entry);
            copy.Index = entry.Index;
            return copy;
        }
    }

    private bool IsChosen(EntryConfig entry) => IsOn(entry) && (_config.Start.Count == 0 || _config.Start.Contains(entry.Name));

    private static bool IsOn(EntryConfig entry) => entry.Enabled != false;
}
