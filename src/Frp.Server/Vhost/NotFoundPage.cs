using System.Text;
using Frp.Config;
using Microsoft.Extensions.Logging;

namespace Frp.Server;

/// <summary>The page of requests that no proxy serves: the file that the configuration names, else one of our own.</summary>
/// <remarks>
/// The file is read at each use, so that it can be changed while the server runs. One that cannot be read is said once, until it
/// can be read again. <b>Concurrency.</b> Any number of readers.
/// </remarks>
/// <param name="config">Gives the configuration in force.</param>
/// <param name="logger">Where it logs.</param>
internal sealed partial class NotFoundPage(Func<ServerConfig> config, ILogger logger)
{
    private static readonly ReadOnlyMemory<byte> BuiltIn = Encoding.UTF8.GetBytes("""
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <title>Not Found</title>
        <style>body { max-width: 40em; margin: 4em auto; padding: 0 1em; font-family: sans-serif; }</style>
        </head>
        <body>
        <h1>Not Found</h1>
        <p>There is nothing at this address, or what is there cannot be reached at the moment.</p>
        </body>
        </html>

        """);

    private int _unreadable;

    /// <summary>The page, UTF-8 as far as it is ours. Not to be changed.</summary>
    internal async ValueTask<ReadOnlyMemory<byte>> ReadAsync(CancellationToken cancellationToken)
    {
        string file = config().Custom404Page;
        if (file.Length == 0) return BuiltIn;
        try
        {
            byte[] page = await File.ReadAllBytesAsync(file, cancellationToken);
            Volatile.Write(ref _unreadable, 0);
            return page;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            if (Interlocked.Exchange(ref _unreadable, 1) == 0) Log.Unreadable(logger, file, e.Message);
            return BuiltIn;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "read custom 404 page [{File}] error: {Cause}")]
        internal static partial void Unreadable(ILogger logger, string file, string cause);
    }
}
