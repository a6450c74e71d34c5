using System.Text.Json.Nodes;
using Frp.Config;

namespace ConfigDocs;

/// <summary>What may stand at a place of a configuration: the model, without the types that hold it in the programs.</summary>
internal abstract record Shape;

/// <summary>A single value.</summary>
internal sealed record ScalarShape(ScalarKind Kind) : Shape;

internal enum ScalarKind
{
    Text,
    Number,
    Flag,
    /// <summary>A text such as <c>1MB</c>.</summary>
    Bandwidth,
}

/// <summary>Values in a row.</summary>
internal sealed record ListShape(Shape Item) : Shape;

/// <summary>Values by names that the user chooses.</summary>
internal sealed record MapShape(Shape Value) : Shape;

/// <summary>Values by the model's keys.</summary>
/// <param name="Type">The type that holds them.</param>
/// <param name="Summary">What it is.</param>
/// <param name="Keys">In the order of the source, base types first.</param>
/// <param name="NeedsOneOf">Keys of which one must say something.</param>
internal sealed record ObjectShape(Type Type, string Summary, IReadOnlyList<Key> Keys, IReadOnlyList<string> NeedsOneOf) : Shape;

/// <summary>One of several kinds of objects; the key <c>type</c> says which.</summary>
/// <param name="Name">What the kinds are kinds of: <c>proxy</c>, <c>visitor plugin</c>.</param>
/// <param name="Plural">The word for several of them, and their heading in the documentation.</param>
/// <param name="Summary">What it is.</param>
/// <param name="Base">The type that all kinds derive from.</param>
/// <param name="Kinds">Names and keys.</param>
internal sealed record UnionShape(string Name, string Plural, string Summary, Type Base, IReadOnlyList<(string Name, ObjectShape Keys)> Kinds) : Shape;

/// <summary>A key of the model with everything that is known about it.</summary>
internal sealed record Key(string Name, Shape Shape, string Summary)
{
    /// <summary>The type whose source declares it.</summary>
    public required Type Declarer { get; init; }
    /// <summary>The unit of a number, as a word; empty = none.</summary>
    public string Unit { get; init; } = "";
    /// <summary>What an empty configuration gives; <c>null</c> when that is nothing, or depends.</summary>
    public JsonNode? Default { get; init; }
    /// <summary>A default that depends, in words.</summary>
    public string? DefaultWords { get; init; }
    public IReadOnlyList<string>? Allowed { get; init; }
    public BoundsAttribute? Bounds { get; init; }
    public bool IsNeeded { get; init; }
    /// <summary>Needed when the first key says the second value.</summary>
    public (string Key, string Value)? NeededWhen { get; init; }
    public IReadOnlyList<string> Excludes { get; init; } = [];
}
