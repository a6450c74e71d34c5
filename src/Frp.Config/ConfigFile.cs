namespace Frp.Config;

/// <summary>Configuration files as bytes.</summary>
public static class ConfigFile
{
    /// <summary>The largest file that is read: far above any configuration, far below what would hurt.</summary>
    public const int MaxBytes = 16 << 20;

    /// <summary>Reads a file whole. Pipes work.</summary>
    /// <exception cref="ConfigException">The file cannot be read, or is larger than <see cref="MaxBytes"/>.</exception>
    public static byte[] Read(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
            using var content = new MemoryStream();
            var buffer = new byte[16384];
            int count;
            while ((count = file.Read(buffer)) > 0)
            {
                if (content.Length + count > MaxBytes)
                    throw TooLarge(path);
                content.Write(buffer, 0, count);
            }
            return content.ToArray();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new ConfigException(OsText.Of("open", path, e), e);
        }
    }

    internal static ConfigException TooLarge(string name) => new($"{name}: larger than {MaxBytes} bytes");
}

/// <summary>Failures of the file system in the operating system's words.</summary>
internal static class OsText
{
    public static string Of(string operation, string path, Exception e) => e switch
    {
        FileNotFoundException or DirectoryNotFoundException => $"{operation} {path}: no such file or directory",
        UnauthorizedAccessException when Directory.Exists(path) => $"read {path}: is a directory",
        UnauthorizedAccessException => $"{operation} {path}: permission denied",
        ArgumentException => $"{operation} {path}: no such file or directory",
        _ => $"{operation} {path}: {e.Message}",
    };
}
