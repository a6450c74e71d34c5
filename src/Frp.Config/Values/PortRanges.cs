using System.Globalization;

namespace Frp.Config;

/// <summary>A set of ports: sorted ranges that do not touch, so that a look-up is a binary search.</summary>
public sealed class PortRanges
{
    private const int MaxPort = 65535;

    // First and last port of each range.
    private readonly (int First, int Last)[] _ranges;

    private PortRanges(IEnumerable<(int First, int Last)> ranges)
    {
        var merged = new List<(int First, int Last)>();
        foreach (var (first, last) in ranges.Select(r => (First: Math.Max(r.First, 1), Last: Math.Min(r.Last, MaxPort))).Where(r => r.First <= r.Last).Order())
            if (merged.Count > 0 && first <= merged[^1].Last + 1)
                merged[^1] = (merged[^1].First, Math.Max(merged[^1].Last, last));
            else
                merged.Add((first, last));
        _ranges = [.. merged];
        Count = _ranges.Sum(r => r.Last - r.First + 1);
    }

    /// <summary>Every port from 1 to 65535.</summary>
    public static PortRanges All { get; } = new([(1, MaxPort)]);

    /// <summary>How many ports there are.</summary>
    public int Count { get; }

    /// <summary>The ranges in order.</summary>
    public IReadOnlyList<(int First, int Last)> Ranges => _ranges;

    /// <summary>The set that a list of ranges describes; every port when the list is empty.</summary>
    public static PortRanges From(IReadOnlyCollection<PortsRangeConfig> ranges)
    {
        ArgumentNullException.ThrowIfNull(ranges);
        return ranges.Count == 0 ? All : new PortRanges(ranges.Select(r => r.Single > 0 ? (r.Single, r.Single) : (r.Start, r.End)));
    }

    /// <summary>Reads <c>1000-2000,3000</c>; blanks around numbers do not count.</summary>
    /// <exception cref="FormatException">The text begins with <c>range number is invalid</c>.</exception>
    public static List<PortsRangeConfig> Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var ranges = new List<PortsRangeConfig>();
        foreach (var part in text.Trim().Split(','))
        {
            var bounds = part.Split('-');
            switch (bounds.Length)
            {
                case 1:
                    ranges.Add(new PortsRangeConfig { Single = Number(bounds[0]) });
                    break;
                case 2:
                    var range = new PortsRangeConfig { Start = Number(bounds[0]), End = Number(bounds[1]) };
                    ranges.Add(range.End < range.Start ? throw new FormatException("range number is invalid") : range);
                    break;
                default:
                    throw new FormatException("range number is invalid");
            }
        }
        return ranges;

        static int Number(string part) => int.TryParse(part.AsSpan().Trim(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value)
            ? value : throw new FormatException($"range number is invalid, strconv.ParseInt: parsing \"{part.Trim()}\": invalid syntax");
    }

    /// <summary>The port is in the set.</summary>
    public bool Contains(int port)
    {
        var (low, high) = (0, _ranges.Length - 1);
        while (low <= high)
        {
            var middle = (low + high) >> 1;
            if (port < _ranges[middle].First) high = middle - 1;
            else if (port > _ranges[middle].Last) low = middle + 1;
            else return true;
        }
        return false;
    }

    /// <inheritdoc/>
    public override string ToString() => string.Join(',', _ranges.Select(r => r.First == r.Last ? $"{r.First}" : $"{r.First}-{r.Last}"));
}
