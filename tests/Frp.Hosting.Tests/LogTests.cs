using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace Frp.Hosting.Tests;

public sealed class LogTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("frp-log-");
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 1, 1, 12, 30, 15, 678, TimeSpan.Zero));

    public LogTests() => _time.SetLocalTimeZone(TimeZoneInfo.Utc);

    private string FilePath => Path.Combine(_folder.FullName, "logs", "frps.log");

    public void Dispose() => _folder.Delete(recursive: true);

    private void Write(Action<ILogger> write, LogOptions? options = null)
    {
        using var loggers = new FrpLoggerFactory(options ?? new LogOptions { To = FilePath, Level = LogLevel.Trace }, _time);
        write(loggers.CreateLogger("server/session"));
    }

    [Fact]
    public void The_level_can_be_another_one_while_loggers_are_in_use()
    {
        using (var loggers = new FrpLoggerFactory(new LogOptions { To = FilePath, Level = LogLevel.Warning }, _time))
        {
            var logger = loggers.CreateLogger("a");
            Say(LogLevel.Information, "too little");
            loggers.Level = LogLevel.Debug;
            Say(LogLevel.Debug, "enough");
            loggers.Level = LogLevel.Error;
            Say(LogLevel.Warning, "too little again");

            void Say(LogLevel level, string text)
            {
                Assert.Equal(level >= loggers.Level, logger.IsEnabled(level));
                logger.Log(level, new EventId(1), text, null, (t, _) => t);
            }
        }
        Assert.Equal("2026-01-01 12:30:15.678 [D] [a:1] enough\n", File.ReadAllText(FilePath));
    }

    [Fact]
    public void A_line_has_time_level_component_event_and_message()
    {
        Write(logger => logger.Log(LogLevel.Warning, new EventId(7), "message", null, (text, _) => text));
        Assert.Equal("2026-01-01 12:30:15.678 [W] [server/session:7] message\n", File.ReadAllText(FilePath));
    }

    [Theory]
    [InlineData(LogLevel.Trace, 'T')]
    [InlineData(LogLevel.Debug, 'D')]
    [InlineData(LogLevel.Information, 'I')]
    [InlineData(LogLevel.Warning, 'W')]
    [InlineData(LogLevel.Error, 'E')]
    [InlineData(LogLevel.Critical, 'E')]
    public void Levels_are_letters(LogLevel level, char letter)
    {
        Write(logger => logger.Log(level, new EventId(1), "x", null, (text, _) => text));
        Assert.Contains($" [{letter}] ", File.ReadAllText(FilePath), StringComparison.Ordinal);
    }

    [Fact]
    public void One_entry_is_one_line_whatever_is_in_it()
    {
        Write(logger => logger.Log(LogLevel.Error, new EventId(1), "a\r\nb", new InvalidOperationException("c\nd"), (text, _) => text));
        Assert.Matches(new Regex(@"^[^\n]*a\\nb: [^\n]*c\\nd[^\n]*\n$", RegexOptions.None, TimeSpan.FromSeconds(5)), File.ReadAllText(FilePath));
    }

    [Fact]
    public void Entries_below_the_level_are_not_written()
    {
        Write(logger => logger.Log(LogLevel.Debug, new EventId(1), "x", null, (text, _) => text), new LogOptions { To = FilePath, Level = LogLevel.Information });
        Assert.Empty(File.ReadAllText(FilePath));
    }

    [Fact]
    public void A_file_is_appended_to_and_a_new_one_is_its_owners_alone()
    {
        Write(logger => logger.Log(LogLevel.Information, new EventId(1), "first", null, (text, _) => text));
        Write(logger => logger.Log(LogLevel.Information, new EventId(1), "second", null, (text, _) => text));
        Assert.Equal(2, File.ReadAllLines(FilePath).Length);
        if (!OperatingSystem.IsWindows()) Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(FilePath));
    }

    [Fact]
    public void At_midnight_a_new_file_is_begun_and_old_ones_go()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(FilePath)!);
        string old = Path.Combine(Path.GetDirectoryName(FilePath)!, "frps.20251228-000000.log");
        string recent = Path.Combine(Path.GetDirectoryName(FilePath)!, "frps.20251231-000000.log");
        string foreign = Path.Combine(Path.GetDirectoryName(FilePath)!, "frps.notes.log");
        foreach (string file in new[] { old, recent, foreign }) File.WriteAllText(file, "");
        using (var target = new RotatingFileTarget(FilePath, maxDays: 3, _time.GetLocalNow()))
        {
            target.Write(new("day one\n"), _time.GetLocalNow());
            _time.Advance(TimeSpan.FromHours(12));
            target.Write(new("day two\n"), _time.GetLocalNow());
        }
        Assert.Equal("day two\n", File.ReadAllText(FilePath));
        Assert.Equal("day one\n", File.ReadAllText(Path.Combine(Path.GetDirectoryName(FilePath)!, "frps.20260102-003015.log")));
        Assert.False(File.Exists(old));
        Assert.True(File.Exists(recent));
        Assert.True(File.Exists(foreign));
    }
}
