using System.Text.RegularExpressions;
using Frp.TestKit;
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
    public void Characters_outside_the_basic_plane_survive_a_long_batch()
    {
        string[] messages = [.. Enumerable.Range(0, 3000).Select(i => new string('x', i % 7) + string.Concat(Enumerable.Repeat("😀", 1 + i % 50)))];
        Write(logger =>
        {
            foreach (string message in messages) logger.Log(LogLevel.Information, new EventId(1), message, null, (text, _) => text);
        });
        Assert.Equal(messages, File.ReadLines(FilePath).Select(line => line[(line.IndexOf(":1] ", StringComparison.Ordinal) + 4)..]));
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

    [Fact]
    public async Task The_file_is_turned_at_midnight_though_nothing_is_written()
    {
        string rotated = Path.Combine(Path.GetDirectoryName(FilePath)!, "frps.20260102-000000.log");
        using var loggers = new FrpLoggerFactory(new LogOptions { To = FilePath }, _time);
        var logger = loggers.CreateLogger("x");
        logger.Log(LogLevel.Information, new EventId(1), "day one", null, (text, _) => text);
        await Patience.UntilAsync(() => new FileInfo(FilePath).Length > 0, () => "the first line is not there");
        _time.Advance(_time.GetLocalNow().Date.AddDays(1) - _time.GetLocalNow().DateTime);
        await Patience.UntilAsync(() => File.Exists(rotated), () => "nothing was renamed at midnight");
        await Patience.UntilAsync(() => File.Exists(FilePath), () => "there is no new file");
        logger.Log(LogLevel.Information, new EventId(1), "day two", null, (text, _) => text);
        await Patience.UntilAsync(() => new FileInfo(FilePath).Length > 0, () => "the second day has no line");
        Assert.EndsWith("day one\n", File.ReadAllText(rotated), StringComparison.Ordinal);
        Assert.EndsWith("day two\n", File.ReadAllText(FilePath), StringComparison.Ordinal);

        // And the day after.
        _time.Advance(TimeSpan.FromDays(1));
        await Patience.UntilAsync(() => File.Exists(rotated.Replace("20260102", "20260103", StringComparison.Ordinal)), () => "the second midnight went by");
    }

    [Fact]
    public void A_folder_that_vanishes_is_made_again_and_costs_no_line_of_the_new_day()
    {
        using (var target = new RotatingFileTarget(FilePath, maxDays: 3, _time.GetLocalNow()))
        {
            target.Write(new("day one\n"), _time.GetLocalNow());
            Directory.Delete(Path.GetDirectoryName(FilePath)!, recursive: true);
            target.Write(new("lost\n"), _time.GetLocalNow());
            _time.Advance(TimeSpan.FromHours(12));
            target.Write(new("day two\n"), _time.GetLocalNow());
        }
        Assert.Equal("day two\n", File.ReadAllText(FilePath));
    }

    [Fact]
    public void What_could_not_be_opened_is_tried_again_with_the_next_lines()
    {
        string folder = Path.GetDirectoryName(FilePath)!;
        using var target = new RotatingFileTarget(FilePath, maxDays: 3, _time.GetLocalNow());
        Directory.Delete(folder, recursive: true);
        File.WriteAllText(folder, "in the way");
        _time.Advance(TimeSpan.FromHours(12));
        Assert.ThrowsAny<IOException>(() => target.Write(new("day two\n"), _time.GetLocalNow()));
        Assert.ThrowsAny<IOException>(() => target.Write(new("still\n"), _time.GetLocalNow()));
        File.Delete(folder);
        target.Write(new("back\n"), _time.GetLocalNow());
        Assert.Equal("back\n", File.ReadAllText(FilePath));
    }

    [Fact]
    public void A_log_that_cannot_be_written_ends_nothing()
    {
        Assert.SkipUnless(File.Exists("/dev/full"), "there is no device that is always full");
        using var loggers = new FrpLoggerFactory(new LogOptions { To = "/dev/full" }, _time);
        for (int i = 0; i < 3; i++) loggers.CreateLogger("x").Log(LogLevel.Information, new EventId(1), "x", null, (text, _) => text);
        _time.Advance(TimeSpan.FromDays(1));
        loggers.CreateLogger("x").Log(LogLevel.Information, new EventId(1), "x", null, (text, _) => text);
        loggers.Dispose();
        Assert.True(File.Exists("/dev/full"), "a device is not rotated");
    }

    [Fact]
    public void A_file_that_others_have_emptied_is_written_from_its_beginning()
    {
        using var target = new RotatingFileTarget(FilePath, maxDays: 3, _time.GetLocalNow());
        target.Write(new("first\n"), _time.GetLocalNow());
        File.WriteAllText(FilePath, "");
        target.Write(new("second\n"), _time.GetLocalNow());
        Assert.Equal("second\n", File.ReadAllText(FilePath));
    }

    [Fact]
    public void Rotated_files_of_another_log_stay()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(FilePath)!);
        string other = Path.Combine(Path.GetDirectoryName(FilePath)!, "frps.more.20200101-000000.log");
        string own = Path.Combine(Path.GetDirectoryName(FilePath)!, "frps.20200101-000000.log");
        File.WriteAllText(other, "");
        File.WriteAllText(own, "");
        using var target = new RotatingFileTarget(FilePath, maxDays: 3, _time.GetLocalNow());
        _time.Advance(TimeSpan.FromDays(1));
        target.Write(new("x\n"), _time.GetLocalNow());
        Assert.True(File.Exists(other));
        Assert.False(File.Exists(own));
    }

    [Fact]
    public void New_folders_are_open_to_read_and_an_existing_file_keeps_its_mode()
    {
        if (OperatingSystem.IsWindows()) return; // no modes there
        Write(logger => logger.Log(LogLevel.Information, new EventId(1), "x", null, (text, _) => text));
        Assert.Equal(Convert.ToInt32("755", 8), (int)File.GetUnixFileMode(Path.GetDirectoryName(FilePath)!));
        File.SetUnixFileMode(FilePath, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);
        Write(logger => logger.Log(LogLevel.Information, new EventId(1), "x", null, (text, _) => text));
        Assert.Equal(Convert.ToInt32("640", 8), (int)File.GetUnixFileMode(FilePath));
    }

    [Fact]
    public void Logs_that_go_to_one_file_share_it()
    {
        using (var logs = new LogSet(_time))
        {
            var one = logs.Open(new LogOptions { To = FilePath });
            var two = logs.Open(new LogOptions { To = Path.Combine(_folder.FullName, ".", "logs", "frps.log"), Level = LogLevel.Error });
            var other = logs.Open(new LogOptions { To = FilePath + "2" });
            one.CreateLogger("one").Log(LogLevel.Information, new EventId(1), "x", null, (text, _) => text);
            two.CreateLogger("two").Log(LogLevel.Information, new EventId(1), "too little", null, (text, _) => text);
            two.Level = LogLevel.Trace;
            two.CreateLogger("two").Log(LogLevel.Information, new EventId(1), "x", null, (text, _) => text);
            other.CreateLogger("other").Log(LogLevel.Information, new EventId(1), "x", null, (text, _) => text);
            _time.Advance(TimeSpan.FromDays(1));
            one.CreateLogger("one").Log(LogLevel.Information, new EventId(1), "next day", null, (text, _) => text);
        }
        Assert.Equal(["[one:1]", "[two:1]", "[one:1]"], Directory.GetFiles(Path.GetDirectoryName(FilePath)!, "frps*.log").Order(StringComparer.Ordinal).SelectMany(File.ReadAllLines).Select(l => l.Split(' ')[3]));
    }
}
