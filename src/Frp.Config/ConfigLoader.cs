namespace Frp.Config;

/// <summary>From a file, or bytes, to a configuration that may be used: read, bind, complete, validate.</summary>
/// <remarks>Every mistake is found in one go. Whatever the content, nothing but <see cref="ConfigException"/> is thrown.</remarks>
public static class ConfigLoader
{
    private static readonly IReadOnlyDictionary<Type, Variants> NoVariants = new Dictionary<Type, Variants>();

    /// <summary>Loads a server's configuration file.</summary>
    /// <exception cref="ConfigException">The file cannot be read or used; all mistakes are listed.</exception>
    public static LoadedConfig<ServerConfig> LoadServer(string path, LoadOptions? options = null)
    {
        options ??= LoadOptions.Standard;
        return LoadServer(options.ReadFile(path), path, options);
    }

    /// <summary>Loads a server's configuration.</summary>
    /// <param name="content">The document.</param>
    /// <param name="name">The file's name, for messages.</param>
    /// <param name="options">How to load.</param>
    /// <exception cref="ConfigException">The content cannot be used; all mistakes are listed.</exception>
    public static LoadedConfig<ServerConfig> LoadServer(ReadOnlySpan<byte> content, string name, LoadOptions? options = null)
    {
        options ??= LoadOptions.Standard;
        var document = ConfigDocument.Read(content, name, DocumentRole.Server, options);
        var errors = new ConfigErrors(document);
        var config = new ServerConfig();
        new ConfigBinder(errors, document, options.Strict, NoVariants).Bind(config, Model.Of<ServerConfig>(ConfigJson.Default));
        config.Complete();
        config.Validate(errors, options.AllowUnsafe);
        errors.ThrowIfAny();
        return new LoadedConfig<ServerConfig>(config, errors.Warnings);
    }

    /// <summary>Loads a client's configuration file.</summary>
    /// <exception cref="ConfigException">The file cannot be read or used; all mistakes are listed.</exception>
    public static LoadedConfig<ClientConfig> LoadClient(string path, ClientCatalog catalog, LoadOptions? options = null)
    {
        options ??= LoadOptions.Standard;
        return LoadClient(options.ReadFile(path), path, catalog, options);
    }

    /// <summary>Loads a client's configuration.</summary>
    /// <param name="content">The document.</param>
    /// <param name="name">The file's name, for messages.</param>
    /// <param name="catalog">The kinds of proxies, visitors and plugins that there are.</param>
    /// <param name="options">How to load.</param>
    /// <exception cref="ConfigException">The content cannot be used; all mistakes are listed.</exception>
    public static LoadedConfig<ClientConfig> LoadClient(ReadOnlySpan<byte> content, string name, ClientCatalog catalog, LoadOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        options ??= LoadOptions.Standard;
        var document = ConfigDocument.Read(content, name, DocumentRole.Client, options);
        var errors = new ConfigErrors(document);
        var config = new ClientConfig();
        new ConfigBinder(errors, document, options.Strict, Variants.Of(catalog)).Bind(config, Model.Of<ClientConfig>(ConfigJson.Default));
        new ClientIncludes(errors, catalog, options).AppendTo(config, document);

        // Names are judged before anything is taken out: a disabled entry has a name too.
        var start = config.Start.ToHashSet(StringComparer.Ordinal);
        config.Proxies = Chosen(config.Proxies, start, options, errors, "proxies", "proxy");
        config.Visitors = Chosen(config.Visitors, start, options, errors, "visitors", "visitor");

        config.Complete(options.Environment);
        config.Validate(errors, options.AllowUnsafe);
        if (options.Purpose == LoadPurpose.Run)
            config.ValidateFeatureGates(errors);
        foreach (var proxy in config.Proxies)
            proxy.Validate(errors.In($"proxies[{proxy.Index}]", $"proxy {proxy.Name}: "));
        foreach (var visitor in config.Visitors)
            visitor.Validate(errors.In($"visitors[{visitor.Index}]", $"visitor {visitor.Name}: "));
        errors.ThrowIfAny();
        return new LoadedConfig<ClientConfig>(config, errors.Warnings);
    }

    private static List<T> Chosen<T>(List<T> entries, HashSet<string> start, LoadOptions options, ConfigErrors errors, string key, string what)
        where T : EntryConfig
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var chosen = new List<T>();
        foreach (var entry in entries)
        {
            var isChosen = entry.Enabled != false && (start.Count == 0 || start.Contains(entry.Name));
            if (isChosen)
                chosen.Add(entry);
            if (entry.Name.Length > 0 ? seen.Add(entry.Name) : isChosen || options.Purpose != LoadPurpose.Run)
                continue;
            errors.Add($"{key}[{entry.Index}].name", entry.Name.Length > 0 ? $"{what} name [{entry.Name}] is duplicated" : $"{what} name cannot be empty");
        }
        return [.. chosen.OrderBy(e => e.Name, StringComparer.Ordinal)];
    }
}
