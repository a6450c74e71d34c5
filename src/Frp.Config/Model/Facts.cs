namespace Frp.Config;

// What a type cannot say about a key, for the generator of the schema and the documentation, and for editors through them.
// The programs never read these attributes: the checks stand in Complete and Validate, and tests prove that both say the same.

/// <summary>The values that a text may have, that each text of a list may have, or the names that a map may hold.</summary>
/// <remarks>An empty text is one of them unless it is <see cref="NeededAttribute">needed</see>: it means unset.</remarks>
/// <param name="values">Every value.</param>
[AttributeUsage(AttributeTargets.Property)]
public sealed class AllowedAttribute(params string[] values) : Attribute
{
    /// <summary>Every value.</summary>
    public IReadOnlyList<string> Values => values;
}

/// <summary>The numbers that make sense.</summary>
/// <param name="min">The least one; <see cref="int.MinValue"/> = no bound.</param>
/// <param name="max">The largest one; <see cref="int.MaxValue"/> = no bound.</param>
[AttributeUsage(AttributeTargets.Property)]
public sealed class BoundsAttribute(int min, int max) : Attribute
{
    /// <summary>The largest port.</summary>
    public const int MaxPort = 65535;

    /// <summary>The least number.</summary>
    public int Min => min;
    /// <summary>The largest number.</summary>
    public int Max => max;
    /// <summary>A number outside loads and fails when it is used, as in the reference.</summary>
    public bool Late { get; init; }
}

/// <summary>A key that must be there and say something: no empty text, no zero.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class NeededAttribute : Attribute
{
    /// <summary>Name of the property that decides; without it the key is always needed.</summary>
    public string? When { get; init; }
    /// <summary>What <see cref="When"/> says then.</summary>
    public string? Is { get; init; }
}

/// <summary>A key of a base type that is needed in this one.</summary>
/// <param name="property">The property's name.</param>
[AttributeUsage(AttributeTargets.Class)]
public sealed class NeedsAttribute(string property) : Attribute
{
    /// <summary>The property's name.</summary>
    public string Property => property;
}

/// <summary>At least one of these keys must be there and say something.</summary>
/// <param name="properties">Names of properties.</param>
[AttributeUsage(AttributeTargets.Class)]
public sealed class NeedsOneOfAttribute(params string[] properties) : Attribute
{
    /// <summary>Names of properties.</summary>
    public IReadOnlyList<string> Properties => properties;
}

/// <summary>Keys beside this one that must say nothing when it is there.</summary>
/// <param name="properties">Names of properties.</param>
[AttributeUsage(AttributeTargets.Property)]
public sealed class ExcludesAttribute(params string[] properties) : Attribute
{
    /// <summary>Names of properties.</summary>
    public IReadOnlyList<string> Properties => properties;
}

/// <summary>A default that depends on something else, in words.</summary>
/// <param name="words">Markdown, without a full stop.</param>
[AttributeUsage(AttributeTargets.Property)]
public sealed class DefaultIsAttribute(string words) : Attribute
{
    /// <summary>Markdown.</summary>
    public string Words => words;
}
