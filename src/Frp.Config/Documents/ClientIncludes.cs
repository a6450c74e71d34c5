namespace Frp.Config;

/// <summary>The further files of a client: each a document of its own, of which the proxies and visitors are taken.</summary>
internal sealed class ClientIncludes(ConfigErrors errors, ClientCatalog catalog, LoadOptions options)
{
    /// <summary>Puts the proxies and visitors of the files behind the configuration's own.</summary>
    /// <param name="config">Names the files, and takes what they say.</param>
    /// <param name="document">Where the configuration came from.</param>
    public void AppendTo(ClientConfig config, ConfigDocument document)
    {
        if (document.IsLegacy)
            return; // there the files are parts of the document itself
        // Every element of a list has a place in it, also those that could not be read.
        var (proxies, visitors) = (Count(document, "proxies"), Count(document, "visitors"));
        for (var i = 0; i < config.Includes.Count; i++)
            foreach (var file in Files(config.Includes[i], $"includes[{i}]"))
                Append(config, file, ref proxies, ref visitors);
    }

    private IReadOnlyList<string> Files(string pattern, string key)
    {
        try
        {
            var files = IncludePattern.Files(pattern);
            if (files.Count == 0 && !FileNamePattern.IsValid(Path.GetFileName(pattern)))
                errors.Warn($"{key}: the pattern {pattern} is broken, so it matches no file");
            return files;
        }
        catch (Exception e) when (e is DirectoryNotFoundException or ConfigException)
        {
            errors.Add(key, e.Message);
            return [];
        }
    }

    private void Append(ClientConfig config, string file, ref int proxies, ref int visitors)
    {
        var prefix = $"load additional config from {file} error: ";
        ConfigDocument document;
        try
        {
            document = ConfigDocument.Read(options.ReadFile(file), file, DocumentRole.Included, options);
        }
        catch (ConfigException e)
        {
            errors.AddAll(e, prefix);
            return;
        }
        var further = new ClientConfig();
        var scope = errors.Open(document, prefix);
        new ConfigBinder(scope, document, options.Strict, Variants.Of(catalog)).Bind(further, Model.Of<ClientConfig>(ConfigJson.Default));
        proxies += Adopt(scope, document, "proxies", proxies, further.Proxies, config.Proxies);
        visitors += Adopt(scope, document, "visitors", visitors, further.Visitors, config.Visitors);
    }

    private static int Adopt<T>(ConfigErrors scope, ConfigDocument document, string key, int first, List<T> from, List<T> to)
        where T : EntryConfig
    {
        var count = Count(document, key);
        scope.Own(key, first, count);
        foreach (var entry in from)
            entry.Index += first;
        to.AddRange(from);
        return count;
    }

    // The very spelling of a key wins over another one.
    private static int Count(ConfigDocument document, string key) =>
        document.Root.Members.Where(m => m.Key.Equals(key, StringComparison.OrdinalIgnoreCase)).Select(m => m.Value.Items.Count).DefaultIfEmpty(0).Max();
}
