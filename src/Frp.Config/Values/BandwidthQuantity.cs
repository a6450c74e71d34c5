using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Frp.Config;

/// <summary>Bytes a second, written as a number with <c>KB</c> or <c>MB</c>: <c>1MB</c>, <c>0.5MB</c>.</summary>
/// <remarks>Units: 1 KB = 1024 B. Two quantities are equal when they are written alike.</remarks>
[JsonConverter(typeof(BandwidthQuantityJsonConverter))]
public readonly record struct BandwidthQuantity
{
    private readonly string? _text;

    private BandwidthQuantity(string text, long bytesPerSecond) => (_text, BytesPerSecond) = (text, bytesPerSecond);

    /// <summary>As written; empty = no limit.</summary>
    public string Text => _text ?? "";

    /// <summary>The limit, or 0 = none.</summary>
    public long BytesPerSecond { get; }

    /// <summary>Reads a quantity; an empty text is no limit.</summary>
    /// <param name="text">What was written.</param>
    /// <param name="quantity">The quantity.</param>
    /// <param name="fault">Why it is none: <c>unit not support</c>, or what is wrong with the number.</param>
    public static bool TryParse(string text, out BandwidthQuantity quantity, out string fault)
    {
        ArgumentNullException.ThrowIfNull(text);
        quantity = default;
        fault = "";
        var trimmed = text.Trim();
        if (trimmed.Length == 0)
            return true;
        var unit = trimmed.EndsWith("MB", StringComparison.Ordinal) ? 1 << 20 : trimmed.EndsWith("KB", StringComparison.Ordinal) ? 1 << 10 : 0;
        if (unit == 0)
        {
            fault = "unit not support";
            return false;
        }
        var number = trimmed[..^2];
        const NumberStyles Style = NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;
        if (!double.TryParse(number, Style, CultureInfo.InvariantCulture, out var value) || !double.IsFinite(value))
        {
            fault = $"strconv.ParseFloat: parsing \"{number}\": invalid syntax";
            return false;
        }
        var bytes = value * unit;
        quantity = new BandwidthQuantity(trimmed, bytes <= 0 ? 0 : bytes >= long.MaxValue ? long.MaxValue : (long)bytes);
        return true;
    }

    /// <inheritdoc/>
    public override string ToString() => Text;
}

/// <summary>A quantity in JSON: the text as written.</summary>
public sealed class BandwidthQuantityJsonConverter : JsonConverter<BandwidthQuantity>
{
    /// <inheritdoc/>
    public override BandwidthQuantity Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        BandwidthQuantity.TryParse(reader.GetString() ?? "", out var quantity, out var fault) ? quantity : throw new JsonException(fault);

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, BandwidthQuantity value, JsonSerializerOptions options)
    {
        ArgumentNullException.ThrowIfNull(writer);
        writer.WriteStringValue(value.Text);
    }
}
