using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Frp.Config;

/// <summary>Descriptions of the model's types, for <see cref="ConfigBinder"/> to walk: names, types and accessors of their members.</summary>
/// <remarks>
/// They come straight from the generated code. Asked for by the ordinary way, through the options, each would first be made fit for
/// serializing, with converters for all it can reach: measured, a third of the time that it takes to load a file.
/// </remarks>
public static class Model
{
    /// <summary>The description of a type.</summary>
    /// <typeparam name="T">Named to <paramref name="context"/>, or reached by a type that is.</typeparam>
    /// <param name="context">Generated with camel-case names.</param>
    public static JsonTypeInfo Of<T>(JsonSerializerContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return Find(context, typeof(T), context.Options);
    }

    /// <summary>The description of a type that is reached by another one.</summary>
    internal static JsonTypeInfo Of(Type type, JsonTypeInfo parent) => Find(parent.Options.TypeInfoResolver!, type, parent.Options);

    private static JsonTypeInfo Find(IJsonTypeInfoResolver generated, Type type, System.Text.Json.JsonSerializerOptions options) =>
        generated.GetTypeInfo(type, options) ?? throw new InvalidOperationException($"{type} has no generated description");
}
