using Frp.Config;

namespace Frp.Client;

/// <summary>Where a client's configuration comes from: a file that may be read again, and the store beside it.</summary>
/// <remarks><b>Concurrency.</b> Belongs to one client at a time, which reads it again one reload after another.</remarks>
public sealed class ClientConfigFile
{
    private readonly LoadOptions _options;
    private readonly string _storePath;
    private ClientDocument _document;

    private ClientConfigFile(string path, ClientCatalog catalog, LoadOptions options)
    {
        (Path, Catalog, _options) = (path, catalog, options);
        _document = ConfigLoader.ReadClient(path, catalog, options);
        _storePath = _document.StorePath.Length == 0 ? "" : System.IO.Path.GetFullPath(_document.StorePath, System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path))!);
        ConfigException? unreadable = null;
        try
        {
            if (_storePath.Length > 0) Store = EntryStore.Open(_storePath, new EntryJson(catalog));
        }
        catch (ConfigException e)
        {
            unreadable = e;
        }
        try
        {
            Loaded = _document.Select(Store?.Entries, _storePath);
        }
        catch (ConfigException e) when (unreadable is not null)
        {
            throw new ConfigException([.. e.Errors, .. unreadable.Errors]);
        }
        if (unreadable is not null) throw unreadable;
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>What the file said when it was opened, together with the store: completed, valid, and what the user should know about it.</summary>
    public LoadedConfig<ClientConfig> Loaded { get; }

    /// <summary>The kinds that the file may name.</summary>
    internal ClientCatalog Catalog { get; }

    /// <summary>Where proxies and visitors made over the API are kept; null when the file names no store.</summary>
    internal EntryStore? Store { get; }

    /// <summary>Reads a file and the store that it names.</summary>
    /// <param name="path">The file. A relative path of the store is relative to its directory.</param>
    /// <param name="catalog">The kinds of proxies, visitors and plugins that there are.</param>
    /// <param name="options">How to load, now and in reloads.</param>
    /// <exception cref="ConfigException">File or store cannot be read or used; all mistakes are listed.</exception>
    public static ClientConfigFile Open(string path, ClientCatalog catalog, LoadOptions? options = null) => new(path, catalog, options ?? LoadOptions.Standard);

    /// <summary>Reads the file again. It counts when it has been handed to <see cref="Commit"/>.</summary>
    /// <param name="strict">Whether unknown keys are mistakes; null for as at the start.</param>
    /// <exception cref="ConfigException">The file cannot be read or used.</exception>
    internal (ClientDocument Document, LoadedConfig<ClientConfig> Loaded) Read(bool? strict)
    {
        var document = ConfigLoader.ReadClient(Path, Catalog, strict is null ? _options : _options with { Strict = strict.Value });
        return (document, document.Select(Store?.Entries, _storePath));
    }

    /// <summary>What a document that was read says is applied: changes of the store go on from here.</summary>
    internal void Commit(ClientDocument document) => _document = document;

    /// <summary>Chooses again between the file, as it was when last applied, and the store as it is now.</summary>
    /// <exception cref="ConfigException">Together they cannot be used.</exception>
    internal ClientConfig Select() => _document.Select(Store?.Entries, _storePath).Config;
}
