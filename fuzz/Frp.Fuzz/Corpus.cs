namespace Frp.Fuzz;

/// <summary>Inputs that are kept: files below a folder with the target's name.</summary>
internal static class Corpus
{
    internal static IEnumerable<string> Files(string root, FuzzTarget target)
    {
        string folder = Path.Combine(root, target.Name);
        return Directory.Exists(folder) ? Directory.EnumerateFiles(folder).Order(StringComparer.Ordinal) : [];
    }

    /// <summary>Feeds every file to its target.</summary>
    /// <returns>How many there were.</returns>
    /// <exception cref="FindException">An input found something; the message names its file.</exception>
    internal static int Replay(string root, FuzzTarget target)
    {
        int count = 0;
        foreach (string path in Files(root, target))
        {
            count++;
            try
            {
                LibFuzzer.RunOnce(target, File.ReadAllBytes(path));
            }
            catch (Exception e)
            {
                throw new FindException($"{path}: {e}");
            }
        }
        return count;
    }
}
