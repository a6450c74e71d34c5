using System.Security.Authentication;
using System.Text;
using Microsoft.Extensions.Logging;

namespace Frp.Transport;

/// <summary>The key that a server showed when it was seen first, kept in a file: trust on first use.</summary>
/// <remarks>
/// <para><b>Layout.</b> A line for each server; several of one server are all good. Lines that begin with <c>#</c> and empty ones mean nothing.</para>
/// <code>
/// frps.example.com:7000 sha256/BASE64
/// </code>
/// <para><b>Writing.</b> A line is appended by one write, under a lock on the file for which other clients and other processes wait, and is on the
/// disk before the connection is used. What was there is never touched. A line that a failing disk has cut is no line of this form, and then
/// the whole file is refused: a key that cannot be read must not make a stranger the first to be seen.</para>
/// <para><b>Reading.</b> Once for each key: what was found good is remembered, and the file is asked again when another key comes. So deleting
/// a line acts at once.</para>
/// <para><b>Concurrency.</b> Any number of calls at once.</para>
/// </remarks>
internal sealed partial class KnownServers
{
    /// <summary>The longest file that is read, in bytes.</summary>
    internal const int MaxBytes = 1 << 20;

    // What an IOException carries when another has the file: errno, or the HRESULT.
    private const int LinuxWouldBlock = 11;
    private const int BsdWouldBlock = 35;
    private const int WindowsSharingViolation = unchecked((int)0x80070020);

    private static readonly TimeSpan LockRetry = TimeSpan.FromMilliseconds(20);

    private readonly string _path;
    private readonly string _server;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private volatile string? _good;

    private KnownServers(string path, string server, TimeProvider time, ILogger logger) => (_path, _server, _time, _logger) = (path, server, time, logger);

    /// <summary>Opens the file for one server. A file that is not there knows nobody, and is made when somebody is to be remembered.</summary>
    /// <param name="path">The file; its folder must be there.</param>
    /// <param name="server">What the server is called in it: host and port.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Where a first meeting is told.</param>
    /// <exception cref="TlsFileException">The file cannot be read or is damaged, or its folder is missing.</exception>
    internal static KnownServers Open(string path, string server, TimeProvider time, ILogger logger)
    {
        var known = new KnownServers(path, server, time, logger);
        try
        {
            using var file = known.OpenToRead();
            if (file is not null) known.Find(known.ReadAll(file));
        }
        catch (IOException e) when (IsHeldByAnother(e))
        {
            // Whoever writes has found it in order.
        }
        catch (Exception e) when (IsUnusable(e))
        {
            throw known.Unreadable(e);
        }
        return known;
    }

    /// <summary>Lets a server in that has proved to have a key: one that is known for it, or the first one, which is kept.</summary>
    /// <param name="pin">The key.</param>
    /// <param name="cancellationToken">Gives up waiting for others who write.</param>
    /// <exception cref="AuthenticationException">Another key is known, or the file cannot be used: the server must not be trusted.</exception>
    internal ValueTask AdmitAsync(string pin, CancellationToken cancellationToken) => pin == _good ? ValueTask.CompletedTask : AskFileAsync(pin, cancellationToken);

    private async ValueTask AskFileAsync(string pin, CancellationToken cancellationToken)
    {
        try
        {
            string? refusal = null;
            // A file that knows the server need not be one that we may write to.
            bool isKnown = await WithFileAsync(OpenToRead, file => file is not null && Judge(pin, Find(ReadAll(file)), out refusal), cancellationToken);
            if (!isKnown) await WithFileAsync(OpenToWrite, file => Keep(file!, pin, out refusal), cancellationToken);
            if (refusal is not null) throw new AuthenticationException($"server certificate refused: {refusal}");
            _good = pin;
        }
        catch (TlsFileException e)
        {
            throw new AuthenticationException($"server certificate refused: {e.Message}", e);
        }
    }

    /// <summary>Does something with the file, as soon as nobody else holds it. The handshake's deadline bounds the wait.</summary>
    private async ValueTask<bool> WithFileAsync(Func<FileStream?> open, Func<FileStream?, bool> work, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                using var file = open();
                return work(file);
            }
            catch (IOException e) when (IsHeldByAnother(e))
            {
                // Asked again below.
            }
            catch (Exception e) when (IsUnusable(e))
            {
                throw Unreadable(e);
            }
            await Task.Delay(LockRetry, _time, cancellationToken);
        }
    }

    private bool Keep(FileStream file, string pin, out string? refusal)
    {
        string text = ReadAll(file);
        if (Judge(pin, Find(text), out refusal)) return true; // kept by another meanwhile
        file.Seek(0, SeekOrigin.End);
        file.Write(Encoding.UTF8.GetBytes($"{(text.Length > 0 && !text.EndsWith('\n') ? "\n" : "")}{_server} {pin}\n"));
        file.Flush(flushToDisk: true);
        Log.FirstSeen(_logger, _server, pin, _path);
        return true;
    }

    /// <summary>Whether the server is known, with what is wrong with its key then.</summary>
    private bool Judge(string pin, List<(int Line, string Pin)> known, out string? refusal)
    {
        refusal = null;
        if (known.Count == 0) return false;
        if (known.Exists(one => one.Pin == pin)) return true;
        var (line, old) = known[0];
        refusal = $"the key of {_server} is now {pin}, and was {old}: if that is right, delete line {line} of \"{_path}\"";
        return true;
    }

    /// <summary>The lines of the server.</summary>
    private List<(int Line, string Pin)> Find(string text)
    {
        var found = new List<(int, string)>();
        int number = 0;
        foreach (var raw in text.AsSpan().EnumerateLines())
        {
            number++;
            var line = raw.Trim();
            if (line.IsEmpty || line[0] == '#') continue;
            int gap = line.IndexOfAny(' ', '\t');
            var pin = gap < 0 ? default : line[gap..].TrimStart();
            if (!KeyPin.IsPin(pin)) throw new TlsFileException($"line {number} of the file of known servers \"{_path}\" is not of the form \"host:port sha256/BASE64\"");
            if (line[..gap].SequenceEqual(_server)) found.Add((number, pin.ToString()));
        }
        return found;
    }

    private FileStream? OpenToRead()
    {
        try
        {
            return new FileStream(_path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
        }
        catch (FileNotFoundException)
        {
            return null;
        }
    }

    private FileStream OpenToWrite() => new(_path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 0);

    private string ReadAll(FileStream file)
    {
        if (file.Length > MaxBytes) throw new TlsFileException($"the file of known servers \"{_path}\" is longer than {MaxBytes} bytes");
        using var reader = new StreamReader(file, Encoding.UTF8, leaveOpen: true);
        return reader.ReadToEnd();
    }

    private TlsFileException Unreadable(Exception e) => new($"the file of known servers \"{_path}\" cannot be used: {e.Message}", e);

    private static bool IsHeldByAnother(IOException e) => e.HResult is LinuxWouldBlock or BsdWouldBlock or WindowsSharingViolation;

    private static bool IsUnusable(Exception e) => e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException;

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "{Server} is trusted from now on by its key {Pin}, which is kept in {Path}: compare it with what the server's log says")]
        internal static partial void FirstSeen(ILogger logger, string server, string pin, string path);
    }
}
