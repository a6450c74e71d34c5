using System.Buffers;
using System.Collections;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Frp.Config;

/// <summary>Finds out in which options two configurations differ.</summary>
public static class ChangedKeys
{
    private static readonly ClientCatalog NoKinds = new([], [], [], []);

    // What a reload reads anew, and what means nothing.
    private static readonly HashSet<string> Reloaded = ["version", "start", "includes", "proxies", "visitors"];

    /// <summary>The client's options that differ and that only a restart applies, such as <c>transport.poolCount</c>. No value is told.</summary>
    /// <param name="running">Completed.</param>
    /// <param name="wanted">Completed.</param>
    public static IReadOnlyList<string> NeedingRestart(ClientConfig running, ClientConfig wanted)
    {
        ArgumentNullException.ThrowIfNull(running);
        ArgumentNullException.ThrowIfNull(wanted);
        var keys = new List<string>();
        Compare(running, wanted, Model.Of<ClientConfig>(ConfigJson.Default), "", new ModelWriter(NoKinds), keys);
        return keys;
    }

    private static void Compare(object one, object other, JsonTypeInfo model, string path, ModelWriter writer, List<string> changed)
    {
        foreach (var key in writer.KeysOf(model))
        {
            if (path.Length == 0 && Reloaded.Contains(key.Name))
                continue;
            var (name, a, b) = (ConfigErrors.Join(path, key.Name), key.Get!(one), key.Get!(other));
            if (a is not (null or string or bool or int or ICollection) && b is not null)
                Compare(a, b, Model.Of(a.GetType(), model), name, writer, changed);
            else if (!Text(a).AsSpan().SequenceEqual(Text(b)))
                changed.Add(name);
        }

        byte[] Text(object? value)
        {
            var buffer = new ArrayBufferWriter<byte>();
            using (var to = new Utf8JsonWriter(buffer, ModelWriter.Compact)) writer.Value(to, value, model);
            return buffer.WrittenSpan.ToArray();
        }
    }
}
