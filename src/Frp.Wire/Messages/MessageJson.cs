using System.Collections;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Frp.Wire;

/// <summary>The JSON dialect of frp messages.</summary>
/// <remarks>
/// Reading: keys match without regard to case, unknown keys are skipped, <c>null</c> leaves the default (in a list or map it
/// is the empty text), wrong types and numbers out of a 64-bit range are errors. Writing: members in the order of declaration, and none
/// that is zero or empty unless it is declared as always present.
/// <para>Source: docs/wire/messages.md.</para>
/// </remarks>
internal static class MessageJson
{
    // The deepest message is ClientHello with 4 levels; the rest is room for members we do not know.
    private const int MaxDepth = 16;

    internal static readonly JsonSerializerOptions Options = CreateOptions();

    internal static readonly JsonWriterOptions WriterOptions = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        MaxDepth = MaxDepth,
        SkipValidation = true,
    };

    private static JsonSerializerOptions CreateOptions()
    {
        var options = new JsonSerializerOptions
        {
            TypeInfoResolver = MessageJsonContext.Default.WithAddedModifier(ApplyDialect),
            PropertyNameCaseInsensitive = true,
            DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault,
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
            MaxDepth = MaxDepth,
            Converters = { NullableText.Instance, NullableInt32.Instance, NullableInt64.Instance, NullableUInt16.Instance, NullableBoolean.Instance },
        };
        options.MakeReadOnly();
        return options;
    }

    private static void ApplyDialect(JsonTypeInfo type)
    {
        foreach (var property in type.Properties)
        {
            if (property.Set is { } set)
                property.Set = (target, value) => { if (value is not null) set(target, value); };
            if (property.PropertyType == typeof(string) || property.PropertyType.IsAssignableTo(typeof(ICollection)) ||
                property.PropertyType == typeof(ReadOnlyMemory<byte>))
            {
                // Members declared as always present have their predicate already.
                property.ShouldSerialize ??= static (_, value) => !IsEmpty(value);
            }
        }
    }

    private static bool IsEmpty(object? value) => value switch
    {
        null => true,
        string text => text.Length == 0,
        ICollection collection => collection.Count == 0,
        ReadOnlyMemory<byte> bytes => bytes.IsEmpty,
        _ => false,
    };

    // The platform's own converters refuse null for a value type and keep it inside lists and maps.

    private sealed class NullableText : JsonConverter<string>
    {
        internal static readonly NullableText Instance = new();
        public override bool HandleNull => true;
        public override string Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => reader.GetString() ?? "";
        public override void Write(Utf8JsonWriter writer, string value, JsonSerializerOptions options) => writer.WriteStringValue(value ?? "");
        public override string ReadAsPropertyName(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => reader.GetString() ?? "";
        public override void WriteAsPropertyName(Utf8JsonWriter writer, string value, JsonSerializerOptions options) => writer.WritePropertyName(value);
    }

    private sealed class NullableInt32 : JsonConverter<int>
    {
        internal static readonly NullableInt32 Instance = new();
        public override bool HandleNull => true;
        // Compat: the reference's integers have 64 bits. What is too large for us is too large for a port or a count as well,
        // and stays so large that it is refused for what it means, not for its shape.
        public override int Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            reader.TokenType == JsonTokenType.Null ? 0 : (int)Math.Clamp(reader.GetInt64(), int.MinValue, int.MaxValue);
        public override void Write(Utf8JsonWriter writer, int value, JsonSerializerOptions options) => writer.WriteNumberValue(value);
    }

    private sealed class NullableInt64 : JsonConverter<long>
    {
        internal static readonly NullableInt64 Instance = new();
        public override bool HandleNull => true;
        public override long Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            reader.TokenType == JsonTokenType.Null ? 0 : reader.GetInt64();
        public override void Write(Utf8JsonWriter writer, long value, JsonSerializerOptions options) => writer.WriteNumberValue(value);
    }

    private sealed class NullableUInt16 : JsonConverter<ushort>
    {
        internal static readonly NullableUInt16 Instance = new();
        public override bool HandleNull => true;
        public override ushort Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            reader.TokenType == JsonTokenType.Null ? (ushort)0 : reader.GetUInt16();
        public override void Write(Utf8JsonWriter writer, ushort value, JsonSerializerOptions options) => writer.WriteNumberValue(value);
    }

    private sealed class NullableBoolean : JsonConverter<bool>
    {
        internal static readonly NullableBoolean Instance = new();
        public override bool HandleNull => true;
        public override bool Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            reader.TokenType != JsonTokenType.Null && reader.GetBoolean();
        public override void Write(Utf8JsonWriter writer, bool value, JsonSerializerOptions options) => writer.WriteBooleanValue(value);
    }
}

[JsonSourceGenerationOptions(GenerationMode = JsonSourceGenerationMode.Metadata)]
[JsonSerializable(typeof(Login))]
[JsonSerializable(typeof(LoginResp))]
[JsonSerializable(typeof(NewProxy))]
[JsonSerializable(typeof(NewProxyResp))]
[JsonSerializable(typeof(CloseProxy))]
[JsonSerializable(typeof(NewWorkConn))]
[JsonSerializable(typeof(ReqWorkConn))]
[JsonSerializable(typeof(StartWorkConn))]
[JsonSerializable(typeof(NewVisitorConn))]
[JsonSerializable(typeof(NewVisitorConnResp))]
[JsonSerializable(typeof(Ping))]
[JsonSerializable(typeof(Pong))]
[JsonSerializable(typeof(UDPPacket))]
[JsonSerializable(typeof(NatHoleVisitor))]
[JsonSerializable(typeof(NatHoleClient))]
[JsonSerializable(typeof(NatHoleResp))]
[JsonSerializable(typeof(NatHoleSid))]
[JsonSerializable(typeof(NatHoleReport))]
[JsonSerializable(typeof(ClientHello))]
[JsonSerializable(typeof(ServerHello))]
internal sealed partial class MessageJsonContext : JsonSerializerContext;
