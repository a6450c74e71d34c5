using Frp.Config;
using Microsoft.Extensions.Logging;

namespace Frp.Client;

/// <summary>The configuration has been read and is valid, and yet could not be put into effect.</summary>
internal sealed class ApplyException(Exception cause) : IOException($"apply config failed: {cause.Message}", cause);

/// <summary>An entry for the store is not valid. Nothing has changed.</summary>
internal sealed class InvalidEntryException(string message) : IOException(message);

/// <summary>The one way in which a running client's proxies and visitors change: its file is read again, or its store is edited.</summary>
/// <remarks><b>Concurrency.</b> All members may be called from any thread; changes happen one after another, each as a whole.</remarks>
internal sealed partial class ConfigChanges
{
    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly ClientConfig _running;
    private readonly ClientConfigFile? _file;
    private readonly ProxyTable _proxies;
    private readonly VisitorTable _visitors;
    private readonly ILogger _logger;
    private bool _closed;

    /// <summary>Creates the way.</summary>
    /// <param name="running">What the client was started with.</param>
    /// <param name="file">Where it came from; null when it may not be read again.</param>
    /// <param name="proxies">Changed here alone.</param>
    /// <param name="visitors">Changed here alone.</param>
    /// <param name="logger">Told of what has changed.</param>
    internal ConfigChanges(ClientConfig running, ClientConfigFile? file, ProxyTable proxies, VisitorTable visitors, ILogger logger) =>
        (_running, _file, _proxies, _visitors, _logger) = (running, file, proxies, visitors, logger);

    /// <summary>Reads the file again and changes what is different in it. On failure everything stays as it is.</summary>
    /// <param name="strict">Whether unknown keys are mistakes; null for as at the start.</param>
    /// <param name="cancellationToken">Gives up waiting for other changes.</param>
    /// <exception cref="ConfigException">The file cannot be read or used, or there is none.</exception>
    /// <exception cref="ApplyException">What it says could not be put into effect.</exception>
    internal async Task ReloadAsync(bool? strict, CancellationToken cancellationToken)
    {
        await EnterAsync(cancellationToken);
        try
        {
            if (_file is null) throw new ConfigException("frpc has no config file path");
            var (document, loaded) = _file.Read(strict);
            foreach (string warning in loaded.Warnings) Log.Warning(_logger, warning);
            await ApplyAsync(loaded.Config);
            _file.Commit(document);
            var ignored = ChangedKeys.NeedingRestart(_running, loaded.Config);
            if (ignored.Count > 0) Log.NeedsRestart(_logger, string.Join(", ", ignored));
            Log.Reloaded(_logger);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Replaces the file's content. What it says counts from the next reload.</summary>
    /// <exception cref="IOException">The disk refuses; the old content is still in place.</exception>
    /// <exception cref="UnauthorizedAccessException">As above.</exception>
    internal async Task WriteFileAsync(ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        await EnterAsync(cancellationToken);
        try
        {
            DurableFile.Overwrite((_file ?? throw new InvalidOperationException("the client has no file")).Path, content.Span);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Stores an entry under a new name, and runs it.</summary>
    /// <exception cref="InvalidEntryException">The entry cannot be used.</exception>
    /// <exception cref="StoreException">The store has not changed.</exception>
    /// <exception cref="ApplyException">The entry is stored but could not be put into effect.</exception>
    internal Task CreateAsync<T>(T entry, CancellationToken cancellationToken) where T : EntryConfig =>
        EditAsync(store => store.Add(entry), "created", entry.Name, entry, cancellationToken);

    /// <summary>Stores an entry in the place of the one with its name, and runs it.</summary>
    /// <inheritdoc cref="CreateAsync"/>
    internal Task UpdateAsync<T>(T entry, CancellationToken cancellationToken) where T : EntryConfig =>
        EditAsync(store => store.Replace(entry), "updated", entry.Name, entry, cancellationToken);

    /// <summary>Takes an entry out of the store, and what it ran.</summary>
    /// <inheritdoc cref="CreateAsync"/>
    internal Task DeleteAsync<T>(string name, CancellationToken cancellationToken) where T : EntryConfig =>
        EditAsync<T>(store => store.Remove<T>(name), "deleted", name, null, cancellationToken);

    /// <summary>Waits for the change that is going on, and lets nobody change anything from then on.</summary>
    internal async Task CloseAsync(CancellationToken cancellationToken)
    {
        Volatile.Write(ref _closed, true);
        await _turn.WaitAsync(cancellationToken);
        _turn.Release();
    }

    private async Task EditAsync<T>(Action<EntryStore> edit, string done, string name, T? entry, CancellationToken cancellationToken) where T : EntryConfig
    {
        var store = _file?.Store ?? throw new InvalidOperationException("the client has no store");
        if (entry is not null) Judge(entry);
        await EnterAsync(cancellationToken);
        try
        {
            edit(store);
            Log.Stored(_logger, done, EntryStore.WordFor<T>(), name);
            try
            {
                await ApplyAsync(_file.Select());
            }
            catch (ConfigException e)
            {
                throw new ApplyException(e);
            }
        }
        finally
        {
            _turn.Release();
        }
    }

    private void Judge<T>(T entry) where T : EntryConfig
    {
        var errors = new ConfigErrors();
        var copy = new EntryJson(_file!.Catalog).Clone(entry);
        copy.Complete();
        copy.Validate(errors);
        if (!errors.IsEmpty) throw new InvalidEntryException($"validation error: {string.Join("; ", errors.Errors)}");
    }

    private async Task ApplyAsync(ClientConfig config)
    {
        try
        {
            // What can fail comes first, so that all is applied or nothing.
            var visitors = _visitors.Prepare(config.Visitors);
            _proxies.Apply(config.Proxies);
            await _visitors.ApplyAsync(visitors);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            throw new ApplyException(e);
        }
    }

    private async Task EnterAsync(CancellationToken cancellationToken)
    {
        // Files are read and written in here: not on the thread of whoever asks.
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        if (!Volatile.Read(ref _closed)) return;
        _turn.Release();
        throw new ApplyException(new IOException("the client is stopping"));
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "success reload conf")]
        internal static partial void Reloaded(ILogger logger);

        [LoggerMessage(2, LogLevel.Warning, "these options have changed and take effect after a restart: {Keys}")]
        internal static partial void NeedsRestart(ILogger logger, string keys);

        [LoggerMessage(3, LogLevel.Warning, "{Warning}")]
        internal static partial void Warning(ILogger logger, string warning);

        [LoggerMessage(4, LogLevel.Information, "store: {Done} {What} \"{Name}\"")]
        internal static partial void Stored(ILogger logger, string done, string what, string name);
    }
}
