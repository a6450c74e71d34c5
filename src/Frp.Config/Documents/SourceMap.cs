namespace Frp.Config;

/// <summary>Where the lines of a text that was read come from: templates add and drop lines, and an INI document is put together from files.</summary>
internal sealed class SourceMap
{
    private readonly List<Part> _parts = [];
    private int _next = 1;

    /// <summary>A document whose lines are a file's own.</summary>
    public static SourceMap Of(string file)
    {
        var map = new SourceMap();
        map._parts.Add(new Part(1, file, null));
        return map;
    }

    /// <summary>Puts a file's text behind what there is.</summary>
    /// <param name="file">Its name.</param>
    /// <param name="lines">For each line of the text the line of the file that made it; <c>null</c> when they are the same.</param>
    /// <param name="count">Lines of the text.</param>
    /// <returns>The line of the document at which the text begins.</returns>
    public int Append(string file, IReadOnlyList<int>? lines, int count)
    {
        var first = _next;
        _parts.Add(new Part(first, file, lines));
        _next += count;
        return first;
    }

    /// <summary>The file and its line behind a line of the document; line 0 is the file as a whole.</summary>
    public (string File, int Line) Locate(int line)
    {
        var part = _parts.FindLast(p => p.First <= line) ?? _parts[0];
        var own = line - part.First + 1;
        if (line < 1 || part.Lines is not { Count: > 0 } lines)
            return (part.File, Math.Max(line < 1 ? 0 : own, 0));
        return (part.File, lines[Math.Clamp(own - 1, 0, lines.Count - 1)]);
    }

    private sealed record Part(int First, string File, IReadOnlyList<int>? Lines);
}
