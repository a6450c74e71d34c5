namespace Frp.EndToEnd.Tests;

/// <summary>Programs of others that tests talk to where they are installed.</summary>
internal static class ForeignPrograms
{
    // Daemons live where the path of an ordinary user does not lead.
    private static readonly string[] More = ["/usr/sbin", "/usr/local/sbin", "/sbin"];

    internal static string? Find(string name) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries).Concat(More)
            .Select(folder => Path.Combine(folder, name)).FirstOrDefault(File.Exists);
}
