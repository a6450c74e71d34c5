using System.Text;
using Microsoft.Extensions.Logging;

namespace Frp.Hosting;

/// <summary>
/// Makes lines of log entries and writes them, in a thread of its own, so that neither a slow disk nor a full pipe, nor what a line costs, holds up the
/// thread that moves bytes.
/// </summary>
/// <remarks>
/// The queue between them is bounded in characters. When it is full, entries are dropped and counted, and the count is
/// written as soon as there is room: a log that blocks the tunnel is worse than a log with a marked gap. Lines reach the
/// operating system one batch at a time, at once: nothing waits for a buffer to fill.
/// </remarks>
internal sealed class LogWriter : IDisposable
{
    private const int MaxQueuedCharacters = 4 * 1024 * 1024;

    // What an entry takes besides its message, about; an exception's text is made with the line.
    private const int EntryCharacters = 64;
    private const int ExceptionCharacters = 2048;
    private const int MaxIdleEntries = 4096;

    private readonly ILogTarget _target;
    private readonly TimeProvider _time;
    private readonly Lock _lock = new();
    private readonly Thread _thread;
    private readonly AutoResetEvent _wake = new(false);
    private readonly ITimer? _midnight;
    private List<Entry> _queue = [];
    private int _queuedCharacters;
    private List<Entry> _writing = []; // the thread's, as are the lines
    private StringBuilder _lines = new();
    private long _dropped;
    private bool _started; // with the first line: a program that has nothing to say needs no thread for it
    private bool _closed;
    private bool _failing; // used by the thread alone

    internal LogWriter(ILogTarget target, TimeProvider time)
    {
        (_target, _time) = (target, time);
        _thread = new Thread(Run) { IsBackground = true, Name = "log" };
        if (target.TurnsDaily) _midnight = time.CreateTimer(static state => ((LogWriter)state!).OnMidnight(), this, UntilMidnight(), Timeout.InfiniteTimeSpan);
    }

    internal void Write(LogLevel level, string component, int eventId, string message, Exception? exception, bool color)
    {
        var entry = new Entry(_time.GetUtcNow(), level, component, eventId, message, exception, color);
        bool wake;
        lock (_lock)
        {
            if (_closed) return;
            if (_queuedCharacters > MaxQueuedCharacters)
            {
                _dropped++;
                return;
            }
            wake = _queue.Count == 0;
            if (!_started)
            {
                _started = true;
                _thread.Start();
            }
            _queue.Add(entry);
            _queuedCharacters += message.Length + EntryCharacters + (exception is null ? 0 : ExceptionCharacters);
        }
        if (wake) _wake.Set();
    }

    /// <summary>Writes what is queued and ends the thread, within five seconds.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            if (_closed) return;
            _closed = true;
            _midnight?.Dispose();
        }
        _wake.Set();
        if (!_started || _thread.Join(TimeSpan.FromSeconds(5)))
        {
            _target.Dispose();
            _wake.Dispose();
        }
    }

    private TimeSpan UntilMidnight()
    {
        var now = _time.GetLocalNow();
        return now.Date.AddDays(1) - now.DateTime;
    }

    private void OnMidnight()
    {
        lock (_lock)
        {
            if (_closed) return;
            _wake.Set();
            // Where clocks were turned in between, this is a little early or late, and the next line sees to it.
            _midnight!.Change(UntilMidnight(), Timeout.InfiniteTimeSpan);
        }
    }

    private void Run()
    {
        while (true)
        {
            _wake.WaitOne();
            bool closed;
            long dropped;
            lock (_lock)
            {
                (_queue, _writing) = (_writing, _queue);
                (closed, dropped, _dropped, _queuedCharacters) = (_closed, _dropped, 0, 0);
            }
            foreach (var entry in _writing) Append(entry);
            _writing.Clear();
            if (_writing.Capacity > MaxIdleEntries) _writing = [];
            if (dropped > 0) Append(new Entry(_time.GetUtcNow(), LogLevel.Warning, "log", 1, $"{dropped} log entries were dropped: the log could not be written fast enough", null, Color: false));
            WriteBatch();
            if (closed) return;
        }
    }

    private void Append(in Entry entry) =>
        LogLine.Append(_lines, TimeZoneInfo.ConvertTime(entry.Time, _time.LocalTimeZone), entry.Level, entry.Component, entry.EventId, entry.Message, entry.Exception, entry.Color);

    private void WriteBatch()
    {
        try
        {
            _target.Write(_lines, _time.GetLocalNow());
            _failing = false;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            if (!_failing) LogTrouble.Report(e);
            _failing = true; // said once: a full disk stays full for many lines
        }
        _lines.Clear();
        if (_lines.Capacity > 1024 * 1024) _lines = new StringBuilder();
    }

    private readonly record struct Entry(DateTimeOffset Time, LogLevel Level, string Component, int EventId, string Message, Exception? Exception, bool Color);
}
