using Frp.Config;
using Frp.Config.Flags;

namespace Frp.Hosting;

/// <summary>What both programs do around their work: read the command line, and turn errors into texts and exit codes.</summary>
/// <remarks>Source: cli specification §1, §9.</remarks>
public static class ConsoleProgram
{
    /// <summary>What open connections get to finish when the program is asked to stop.</summary>
    public static readonly TimeSpan DrainTime = TimeSpan.FromSeconds(10);

    /// <summary>Runs a program.</summary>
    /// <param name="root">Its commands.</param>
    /// <param name="args">Its arguments.</param>
    /// <param name="run">Its work. Expected failures are <see cref="ConfigException"/> and <see cref="IOException"/>.</param>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(Command root, string[] args, Func<Invocation, Task> run)
    {
        try
        {
            var invocation = CommandLine.Parse(root, args);
            if (invocation.Output is { } text) Console.Write(text);
            else await run(invocation);
            return 0;
        }
        catch (CommandLineException e)
        {
            Console.Error.Write(e.Text);
        }
        catch (Exception e) when (e is ConfigException or IOException or UnauthorizedAccessException)
        {
            Console.WriteLine(e.Message);
        }
        catch (OperationCanceledException)
        {
            return 0; // asked to stop before there was anything to stop
        }
        return 1;
    }

    /// <summary>Opens the log that the configuration asks for.</summary>
    /// <param name="to"><c>console</c> or a file.</param>
    /// <param name="level">As configuration files spell it.</param>
    /// <param name="maxDays">Days that rotated files are kept.</param>
    /// <param name="color">Whether console lines carry colours.</param>
    /// <exception cref="IOException">The file cannot be opened.</exception>
    public static FrpLoggerFactory OpenLog(string to, string level, int maxDays, bool color) =>
        new(new LogOptions { To = to, Level = LogOptions.ParseLevel(level), MaxDays = maxDays, Color = color });
}
