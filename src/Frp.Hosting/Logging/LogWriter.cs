using System.Text;
using Microsoft.Extensions.Logging;

namespace Frp.Hosting;

/// <summary>
/// Writes log entries from a thread of its own, so that a slow disk or a full pipe never holds up the thread that moves bytes.
/// </summary>
/// <remarks>
/// The queue between them is bounded in characters. When it is full, entries are dropped and counted, and the count is
/// written as soon as there is room: a log that blocks the tunnel is worse than a log with a marked gap. Lines reach the
/// operating system one batch at a time, at once: nothing waits for a buffer to fill.
/// </remarks>
internal sealed class LogWriter : IDisposable
{
    private const int MaxQueuedCharacters = 4 * 1024 * 1024;

    private readonly ILogTarget _target;
    private readonly TimeProvider _time;
    private readonly Lock _lock = new();
    private readonly Thread _thread;
    private readonly AutoResetEvent _wake = new(false);
    private readonly ITimer? _midnight;
    private StringBuilder _queue = new();
    private StringBuilder _writing = new();
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
        bool wake;
        lock (_lock)
        {
            if (_closed) return;
            if (_queue.Length > MaxQueuedCharacters)
            {
                _dropped++;
                return;
            }
            wake = _queue.Length == 0;
            if (!_started)
            {
                _started = true;
                _thread.Start();
            }
            LogLine.Append(_queue, _time.GetLocalNow(), level, component, eventId, message, exception, color);
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
            lock (_lock)
            {
                (_queue, _writing) = (_writing, _queue);
                closed = _closed;
                if (_dropped > 0)
                {
                    LogLine.Append(_writing, _time.GetLocalNow(), LogLevel.Warning, "log", 1, $"{_dropped} log entries were dropped: the log could not be written fast enough", null, color: false);
                    _dropped = 0;
                }
            }
            WriteBatch();
            if (closed) return;
        }
    }

    private void WriteBatch()
    {
        try
        {
            _target.Write(_writing, _time.GetLocalNow());
            _failing = false;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            if (!_failing) LogTrouble.Report(e);
            _failing = true; // said once: a full disk stays full for many lines
        }
        _writing.Clear();
        if (_writing.Capacity > 1024 * 1024) _writing = new StringBuilder();
    }
}
