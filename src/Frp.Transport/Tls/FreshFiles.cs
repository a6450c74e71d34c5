using Microsoft.Extensions.Logging;

namespace Frp.Transport;

/// <summary>Something that is made of files, and made again when they have changed: certificates that are renewed under a running program.</summary>
/// <remarks>
/// <para><b>When.</b> Whoever asks has the files looked at, not more than once in <see cref="CheckPeriod"/>; nothing runs in between. They are
/// read when their stamps have changed and the youngest is older than <see cref="QuietTime"/>, all of them, and taken only when no stamp has
/// moved meanwhile. So a file that is being written, or a pair of which only one half is there, is not taken.</para>
/// <para><b>Errors.</b> Files that cannot be used leave the old value in force, and one warning for each change says why.</para>
/// <para><b>Concurrency.</b> All members may be called from any thread. One caller looks; the others get what is there.</para>
/// </remarks>
/// <typeparam name="T">What the files make. Replaced values are left to the collector, since handshakes may still use them.</typeparam>
internal sealed partial class FreshFiles<T> where T : class
{
    /// <summary>How often the files are looked at, at most.</summary>
    internal static readonly TimeSpan CheckPeriod = TimeSpan.FromSeconds(1);

    /// <summary>How long a file must have been left alone.</summary>
    internal static readonly TimeSpan QuietTime = TimeSpan.FromSeconds(1);

    private readonly string[] _paths;
    private readonly Func<T> _load;
    private readonly Func<T, string> _describe;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private volatile T _current;
    private FileStamp[] _seen; // of what was loaded or refused last; only of whoever looks
    private long _checkedAt;
    private int _checking;

    private FreshFiles(string[] paths, Func<T> load, Func<T, string> describe, TimeProvider time, ILogger logger)
    {
        (_paths, _load, _describe, _time, _logger) = (paths, load, describe, time, logger);
        _seen = Look(); // first: what changes while it is read differs from this
        _current = load();
        _checkedAt = time.GetTimestamp();
    }

    /// <summary>Loads the files.</summary>
    /// <param name="paths">The files.</param>
    /// <param name="load">Reads them; throws <see cref="TlsFileException"/>.</param>
    /// <param name="describe">What the log says of a new value.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Where changes are told.</param>
    /// <exception cref="TlsFileException">A file is missing, unreadable or not what it should be.</exception>
    internal static FreshFiles<T> Open(string[] paths, Func<T> load, Func<T, string> describe, TimeProvider time, ILogger logger) =>
        new(paths, load, describe, time, logger);

    /// <summary>What the files made when they were loaded last.</summary>
    internal T Current => _current;

    /// <summary>What the files make now. Completes at once unless it is time to look at them, and that is done on a thread of the pool.</summary>
    internal ValueTask<T> GetAsync()
    {
        if (_time.GetElapsedTime(Volatile.Read(ref _checkedAt)) < CheckPeriod || Interlocked.CompareExchange(ref _checking, 1, 0) != 0) return new(_current);
        return CheckAsync();
    }

    private async ValueTask<T> CheckAsync()
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding); // disks may take their time
        try
        {
            Check();
            return _current;
        }
        finally
        {
            Volatile.Write(ref _checkedAt, _time.GetTimestamp());
            Volatile.Write(ref _checking, 0);
        }
    }

    private void Check()
    {
        var stamps = Look();
        if (stamps.AsSpan().SequenceEqual(_seen)) return;
        var now = _time.GetUtcNow();
        if (Array.Exists(stamps, s => s.IsYoungerThan(QuietTime, now))) return;
        try
        {
            var next = _load();
            if (!Look().AsSpan().SequenceEqual(stamps)) return; // changed while they were read: the next one sees
            (_current, _seen) = (next, stamps);
            Log.Reloaded(_logger, string.Join(", ", _paths), _describe(next));
        }
        catch (TlsFileException e)
        {
            if (!Look().AsSpan().SequenceEqual(stamps)) return;
            _seen = stamps;
            Log.Kept(_logger, e.Message);
        }
    }

    private FileStamp[] Look() => Array.ConvertAll(_paths, FileStamp.Of);

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "{Paths} changed and read again: {What}")]
        internal static partial void Reloaded(ILogger logger, string paths, string what);

        [LoggerMessage(2, LogLevel.Warning, "changed TLS files cannot be used, the old ones stay in force: {Cause}")]
        internal static partial void Kept(ILogger logger, string cause);
    }
}
