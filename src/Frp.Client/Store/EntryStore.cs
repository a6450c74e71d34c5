using Frp.Config;

namespace Frp.Client;

/// <summary>The proxies and visitors that were made over the API, in a file.</summary>
/// <remarks>
/// <para>What is in memory is what is on the disk: a change is written first and counts when that has succeeded. A file that cannot be read is
/// refused and left as it is. Bounded by <see cref="ConfigFile.MaxBytes"/>.</para>
/// <para><b>Concurrency.</b> One changes at a time; <see cref="Entries"/> may be read by anybody. Changes block until the disk has them.</para>
/// <para>Source: configuration specification §12.</para>
/// </remarks>
internal sealed class EntryStore
{
    private readonly string _path;
    private readonly EntryJson _json;
    private ClientEntries _entries;

    private EntryStore(string path, EntryJson json, ClientEntries entries) => (_path, _json, _entries) = (path, json, entries);

    /// <summary>What is stored, as it was written, in the order of names. A snapshot, not to be changed.</summary>
    internal ClientEntries Entries => Volatile.Read(ref _entries);

    /// <summary>Reads a store. A file that is not there is an empty store, and is not made.</summary>
    /// <exception cref="ConfigException">The file cannot be read or understood; all mistakes are listed.</exception>
    internal static EntryStore Open(string path, EntryJson json)
    {
        try
        {
            var entries = json.ReadAll(ConfigFile.Read(path), path);
            List<ConfigError> faults = [.. FaultsOf(entries.Proxies, path, "proxies", "proxy"), .. FaultsOf(entries.Visitors, path, "visitors", "visitor")];
            if (faults.Count > 0) throw new ConfigException(faults);
            return new EntryStore(path, json, entries);
        }
        catch (ConfigException e) when (e.InnerException is FileNotFoundException or DirectoryNotFoundException)
        {
            return new EntryStore(path, json, new ClientEntries());
        }
        catch (ConfigException e)
        {
            throw new ConfigException([.. e.Errors.Select(Explained)]);
        }
    }

    /// <summary>The entry of a name, as it was written.</summary>
    /// <typeparam name="T"><see cref="ProxyConfig"/> or <see cref="VisitorConfig"/>.</typeparam>
    internal T? Find<T>(string name) where T : EntryConfig => ListOf<T>(Entries).Find(e => e.Name == name);

    /// <summary>Adds an entry.</summary>
    /// <exception cref="StoreException">The name is taken, or the disk refuses.</exception>
    internal void Add<T>(T entry) where T : EntryConfig
    {
        if (Find<T>(entry.Name) is not null) throw new StoreException(StoreFault.AlreadyExists, $"already exists: {WordFor<T>()} \"{entry.Name}\"");
        Save<T>([.. ListOf<T>(Entries), entry]);
    }

    /// <summary>Puts an entry in the place of the one with its name.</summary>
    /// <exception cref="StoreException">There is none, or the disk refuses.</exception>
    internal void Replace<T>(T entry) where T : EntryConfig => Save<T>([.. Without<T>(entry.Name), entry]);

    /// <summary>Takes an entry out.</summary>
    /// <exception cref="StoreException">There is none, or the disk refuses.</exception>
    internal void Remove<T>(string name) where T : EntryConfig => Save(Without<T>(name));

    /// <summary>What the entries are called in messages.</summary>
    internal static string WordFor<T>() where T : EntryConfig => typeof(T) == typeof(ProxyConfig) ? "proxy" : "visitor";

    /// <summary>The entries of a type.</summary>
    internal static List<T> ListOf<T>(ClientEntries entries) where T : EntryConfig => (List<T>)(typeof(T) == typeof(ProxyConfig) ? (object)entries.Proxies : entries.Visitors);

    private List<T> Without<T>(string name) where T : EntryConfig
    {
        var all = ListOf<T>(Entries);
        var rest = all.Where(e => e.Name != name).ToList();
        return rest.Count < all.Count ? rest : throw new StoreException(StoreFault.NotFound, $"not found: {WordFor<T>()} \"{name}\"");
    }

    private void Save<T>(List<T> list) where T : EntryConfig
    {
        list.Sort(static (a, b) => string.CompareOrdinal(a.Name, b.Name));
        var next = list is List<ProxyConfig> proxies
            ? new ClientEntries { Proxies = proxies, Visitors = Entries.Visitors }
            : new ClientEntries { Proxies = Entries.Proxies, Visitors = (List<VisitorConfig>)(object)list };
        byte[] content = _json.WriteAll(next);
        if (content.Length > ConfigFile.MaxBytes) throw new StoreException(StoreFault.NotPersisted, $"failed to persist: the store would be larger than {ConfigFile.MaxBytes} bytes");
        try
        {
            DurableFile.Replace(_path, content);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StoreException(StoreFault.NotPersisted, $"failed to persist: {e.Message}", e);
        }
        Volatile.Write(ref _entries, next);
    }

    private static IEnumerable<ConfigError> FaultsOf(IEnumerable<EntryConfig> entries, string path, string key, string what)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        int i = 0;
        foreach (var entry in entries)
        {
            string at = $"{key}[{i++}].name";
            if (entry.Name.Length == 0) yield return new ConfigError(path, 0, at, $"{what} name cannot be empty");
            else if (!seen.Add(entry.Name)) yield return new ConfigError(path, 0, at, $"{what} name [{entry.Name}] is duplicated");
        }
    }

    private static ConfigError Explained(ConfigError error)
    {
        string words = error.Message.StartsWith("decode ", StringComparison.Ordinal) ? "failed to " + error.Message : error.Message;
        return error with { Message = $"failed to create store source: failed to load existing data: {words}" };
    }
}

/// <summary>What keeps a store from changing.</summary>
internal enum StoreFault
{
    /// <summary>The name is taken.</summary>
    AlreadyExists,
    /// <summary>There is no entry of the name.</summary>
    NotFound,
    /// <summary>The disk refused; nothing has changed.</summary>
    NotPersisted,
}

/// <summary>A store has not changed.</summary>
internal sealed class StoreException(StoreFault fault, string message, Exception? inner = null) : IOException(message, inner)
{
    internal StoreFault Fault => fault;
}
