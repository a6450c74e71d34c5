using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Frp.Config;

/// <summary>Reads JSON into a tree.</summary>
/// <remarks>Source: RFC 8259. No comments, no trailing commas; of a key that stands twice the last value counts.</remarks>
internal static class JsonSource
{
    private const int MaxDepth = 32;

    public static ConfigNode? Read(ReadOnlySpan<byte> text, out SyntaxFault? fault)
    {
        var reader = new Utf8JsonReader(text, new JsonReaderOptions { MaxDepth = MaxDepth });
        var lines = new LineCounter();
        try
        {
            reader.Read();
            var root = Value(ref reader, ref lines, text);
            reader.Read();
            fault = null;
            return root;
        }
        catch (JsonException e)
        {
            var message = e.Message;
            var tail = message.IndexOf(" LineNumber:", StringComparison.Ordinal);
            fault = new SyntaxFault((int)(e.LineNumber ?? 0) + 1, (int)(e.BytePositionInLine ?? 0) + 1, tail < 0 ? message : message[..tail]);
            return null;
        }
        catch (InvalidOperationException e)
        {
            // A string whose escapes are half a surrogate pair.
            fault = new SyntaxFault(lines.At(text, reader.TokenStartIndex), 1, e.Message);
            return null;
        }
    }

    private static ConfigNode Value(ref Utf8JsonReader reader, ref LineCounter lines, ReadOnlySpan<byte> text)
    {
        var line = lines.At(text, reader.TokenStartIndex);
        switch (reader.TokenType)
        {
            case JsonTokenType.StartObject:
                var table = ConfigNode.NewObject(line);
                while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
                {
                    var keyLine = lines.At(text, reader.TokenStartIndex);
                    var key = reader.GetString()!;
                    reader.Read();
                    table.Set(key, keyLine, Value(ref reader, ref lines, text));
                }
                return table;
            case JsonTokenType.StartArray:
                var array = ConfigNode.NewArray(line);
                while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
                    array.AddItem(Value(ref reader, ref lines, text));
                return array;
            case JsonTokenType.String:
                return ConfigNode.NewString(line, reader.GetString()!);
            case JsonTokenType.Number:
                return Number(line, Encoding.ASCII.GetString(reader.ValueSpan));
            case JsonTokenType.True or JsonTokenType.False:
                return ConfigNode.NewBoolean(line, reader.TokenType == JsonTokenType.True);
            default:
                return ConfigNode.NewNull(line);
        }
    }

    private static ConfigNode Number(int line, string text)
    {
        if (text.AsSpan().ContainsAny('.', 'e', 'E'))
            return ConfigNode.NewFloat(line, text);
        return long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value)
            ? ConfigNode.NewInteger(line, value, text) : ConfigNode.NewFloat(line, text);
    }

    // Tokens come in order, so each byte is looked at once.
    private struct LineCounter
    {
        private long _position;
        private int _line;

        public int At(ReadOnlySpan<byte> text, long position)
        {
            if (position > _position)
            {
                _line += text[(int)_position..(int)position].Count((byte)'\n');
                _position = position;
            }
            return _line + 1;
        }
    }
}
