using System.Collections;
using System.Text.Json.Serialization.Metadata;

namespace Frp.Config;

/// <summary>A configuration as a list of keys: which there are, which differ, and one made of two.</summary>
/// <remarks>
/// Keys are the paths that files write (<c>transport.tls.certFile</c>); a list or a map is one key, and so is an optional object that is there
/// in one configuration only. The model's generated description is walked, so a key cannot be forgotten. Nothing here changes its arguments.
/// </remarks>
public static class ModelKeys
{
    /// <summary>Every key of a server's configuration, in the order of the model.</summary>
    public static IReadOnlyList<string> OfServer { get; } = [.. Leaves(Server, "")];

    private static JsonTypeInfo Server => Model.Of<ServerConfig>(ConfigJson.Default);

    /// <summary>The keys that two completed configurations disagree on, in the order of the model.</summary>
    public static IReadOnlyList<string> Differences(ServerConfig one, ServerConfig other)
    {
        var found = new List<string>();
        Compare(one, other, Server, "", found);
        return found;
    }

    /// <inheritdoc cref="Differences(ServerConfig, ServerConfig)"/>
    /// <remarks>Neither has proxies or visitors: their kinds are not known here.</remarks>
    internal static IReadOnlyList<string> Differences(ClientConfig one, ClientConfig other)
    {
        var found = new List<string>();
        Compare(one, other, Model.Of<ClientConfig>(ConfigJson.Default), "", found);
        return found;
    }

    /// <summary>A configuration like another one but for some keys.</summary>
    /// <param name="config">What it is like. It shares lists with the result.</param>
    /// <param name="other">Where the values of the taken keys come from.</param>
    /// <param name="take">Which keys those are: asked once for each that differs.</param>
    /// <returns>Completed.</returns>
    public static ServerConfig With(ServerConfig config, ServerConfig other, Func<string, bool> take)
    {
        ArgumentNullException.ThrowIfNull(take);
        var merged = (ServerConfig)Merge(config, other, Server, "", take);
        merged.Complete();
        return merged;
    }

    private static IEnumerable<string> Leaves(JsonTypeInfo model, string path)
    {
        foreach (var property in Keys(model))
        {
            string key = ConfigErrors.Join(path, property.Name);
            if (ObjectOf(property, model) is not { } inner) yield return key;
            else
                foreach (string leaf in Leaves(inner, key)) yield return leaf;
        }
    }

    private static void Compare(object one, object other, JsonTypeInfo model, string path, List<string> found)
    {
        foreach (var property in Keys(model))
        {
            string key = ConfigErrors.Join(path, property.Name);
            var (a, b) = (property.Get!(one), property.Get(other));
            if (ObjectOf(property, model) is { } inner && a is not null && b is not null) Compare(a, b, inner, key, found);
            else if (!AreEqual(a, b, model)) found.Add(key);
        }
    }

    private static object Merge(object one, object other, JsonTypeInfo model, string path, Func<string, bool> take)
    {
        object merged = model.CreateObject!();
        foreach (var property in Keys(model))
        {
            string key = ConfigErrors.Join(path, property.Name);
            var (a, b) = (property.Get!(one), property.Get(other));
            if (ObjectOf(property, model) is { } inner && a is not null && b is not null) property.Set!(merged, Merge(a, b, inner, key, take));
            else property.Set!(merged, !AreEqual(a, b, model) && take(key) ? b : a);
        }
        return merged;
    }

    /// <summary>Whether two values say the same; lists and objects by what they hold.</summary>
    private static bool AreEqual(object? a, object? b, JsonTypeInfo parent)
    {
        if (a is null || b is null || a is string or ValueType) return Equals(a, b);
        var model = Model.Of(a.GetType(), parent);
        switch (model.Kind)
        {
            case JsonTypeInfoKind.Enumerable:
                var (items, others) = ((IList)a, (IList)b);
                return items.Count == others.Count && Enumerable.Range(0, items.Count).All(i => AreEqual(items[i], others[i], model));
            case JsonTypeInfoKind.Dictionary:
                var (map, otherMap) = ((IDictionary)a, (IDictionary)b);
                return map.Count == otherMap.Count && map.Keys.Cast<object>().All(key => otherMap.Contains(key) && AreEqual(map[key], otherMap[key], model));
            default:
                return Keys(model).All(property => AreEqual(property.Get!(a), property.Get(b), model));
        }
    }

    private static IEnumerable<JsonPropertyInfo> Keys(JsonTypeInfo model) => model.Properties.Where(property => property.Set is not null);

    /// <summary>The description of a key that has keys of its own; null for values, lists and maps.</summary>
    private static JsonTypeInfo? ObjectOf(JsonPropertyInfo property, JsonTypeInfo parent)
    {
        var type = property.PropertyType;
        if (type == typeof(string) || type.IsValueType) return null;
        var model = Model.Of(type, parent);
        return model.Kind == JsonTypeInfoKind.Object ? model : null;
    }
}
