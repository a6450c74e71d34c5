using System.Text;

namespace Frp.Config.Templates;

/// <summary>A rendered text.</summary>
/// <param name="Text">The text.</param>
/// <param name="Lines">For each of its lines the line of the template that made it.</param>
internal sealed record RenderedText(string Text, IReadOnlyList<int> Lines);

/// <summary>Takes what a template prints and remembers which line of the template each line came from.</summary>
internal sealed class TemplateOutput
{
    private readonly StringBuilder _text = new();
    private readonly List<int> _lines = [];
    private int _line = 1;

    /// <summary>Characters so far.</summary>
    public int Length => _text.Length;

    /// <summary>Prints a text.</summary>
    /// <param name="text">The text.</param>
    /// <param name="line">The template's line on which it begins.</param>
    /// <param name="isOwn">It stands in the template as it is, so its lines are the template's.</param>
    public void Write(ReadOnlySpan<char> text, int line, bool isOwn)
    {
        while (!text.IsEmpty)
        {
            if (_lines.Count < _line)
                _lines.Add(line);
            var end = text.IndexOf('\n');
            _text.Append(end < 0 ? text : text[..(end + 1)]);
            if (end < 0)
                return;
            _line++;
            if (isOwn) line++;
            text = text[(end + 1)..];
        }
    }

    /// <summary>What was printed.</summary>
    /// <param name="line">The template's last line, for a fault behind the end.</param>
    public RenderedText Done(int line)
    {
        if (_lines.Count < _line)
            _lines.Add(line);
        return new RenderedText(_text.ToString(), _lines);
    }
}
