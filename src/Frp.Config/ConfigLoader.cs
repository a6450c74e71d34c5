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
        if (options.Purpose != LoadPurpose.Find)
            config.Validate(errors, options.AllowUnsafe);
        errors.ThrowIfAny();
        return new LoadedConfig<ServerConfig>(config, errors.Warnings);
    }

    /// <summary>Loads a client's configuration file, without a store.</summary>
    /// <exception cref="ConfigException">The file cannot be read or used; all mistakes are listed.</exception>
    public static LoadedConfig<ClientConfig> LoadClient(string path, ClientCatalog catalog, LoadOptions? options = null) => ReadClient(path, catalog, options).Select();

    /// <summary>Loads a client's configuration, without a store.</summary>
    /// <param name="content">The document.</param>
    /// <param name="name">The file's name, for messages.</param>
    /// <param name="catalog">The kinds of proxies, visitors and plugins that there are.</param>
    /// <param name="options">How to load.</param>
    /// <exception cref="ConfigException">The content cannot be used; all mistakes are listed.</exception>
    public static LoadedConfig<ClientConfig> LoadClient(ReadOnlySpan<byte> content, string name, ClientCatalog catalog, LoadOptions? options = null) =>
        ReadClient(content, name, catalog, options).Select();

    /// <summary>Reads a client's configuration file and leaves it open which entries run.</summary>
    /// <exception cref="ConfigException">The file cannot be read. Mistakes in it are told by <see cref="ClientDocument.Select"/>.</exception>
    public static ClientDocument ReadClient(string path, ClientCatalog catalog, LoadOptions? options = null)
    {
        options ??= LoadOptions.Standard;
        return ReadClient(options.ReadFile(path), path, catalog, options);
    }

    private static ClientDocument ReadClient(ReadOnlySpan<byte> content, string name, ClientCatalog catalog, LoadOptions? options)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        options ??= LoadOptions.Standard;
        var document = ConfigDocument.Read(content, name, DocumentRole.Client, options);
        var errors = new ConfigErrors(document);
        var config = new ClientConfig();
        new ConfigBinder(errors, document, options.Strict, Variants.Of(catalog)).Bind(config, Model.Of<ClientConfig>(ConfigJson.Default));
        new ClientIncludes(errors, catalog, options).AppendTo(config, document);
        return new ClientDocument(name, config, errors, catalog, options);
    }
}
