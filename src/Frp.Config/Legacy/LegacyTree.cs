using System.Globalization;

namespace Frp.Config.Legacy;

/// <summary>Turns keys of INI sections into the tree that every format becomes.</summary>
internal sealed class LegacyTree(IniFile file)
{
    /// <summary>Puts what a section says about keys of the old form where the options are now.</summary>
    /// <param name="section">The section.</param>
    /// <param name="keys">The keys to look for.</param>
    /// <param name="target">An object of the tree.</param>
    public void Put(IniSection section, IEnumerable<LegacyKey> keys, ConfigNode target)
    {
        foreach (var key in keys)
            if (key.Value == LegacyValue.Prefix)
                PutMap(section, key, target);
            else if (file.Value(section, key.Key) is { Value.Length: > 0 } found && Node(key, found) is { } node)
                PutValue(key, found.Line, node, target);
    }

    /// <summary>Puts a value at a key with dots.</summary>
    public static void Put(ConfigNode target, string option, int line, ConfigNode node)
    {
        var names = option.Split('.');
        target = Inner(target, names.AsSpan(0, names.Length - 1), line);
        target.Set(names[^1], line, node);
    }

    private static void PutValue(LegacyKey key, int line, ConfigNode node, ConfigNode target)
    {
        if (key.Value != LegacyValue.Word)
        {
            Put(target, key.Option, line, node);
            return;
        }
        var names = key.Option.Split('.');
        var inner = Inner(target, names.AsSpan(0, names.Length - 1), line);
        if (!inner.TryGet(names[^1], out var list))
            inner.Set(names[^1], line, list = ConfigNode.NewArray(line));
        list.AddItem(node);
    }

    // A map takes the section's own keys only, as written.
    private static void PutMap(IniSection section, LegacyKey key, ConfigNode target)
    {
        foreach (var (name, value, line) in section.Keys)
            if (name.StartsWith(key.Key, StringComparison.Ordinal))
                Inner(target, key.Option.Split('.'), line).Set(name[key.Key.Length..], line, ConfigNode.NewString(line, value));
    }

    private static ConfigNode Inner(ConfigNode target, ReadOnlySpan<string> names, int line)
    {
        foreach (var name in names)
        {
            if (!target.TryGet(name, out var inner))
                target.Set(name, line, inner = ConfigNode.NewObject(line));
            target = inner;
        }
        return target;
    }

    private static ConfigNode? Node(LegacyKey key, IniKey found) => key.Value switch
    {
        LegacyValue.Number => GoNumber.TryInteger(found.Value, out var number)
            ? ConfigNode.NewInteger(found.Line, number, number.ToString(CultureInfo.InvariantCulture)) : null,
        LegacyValue.Switch => IsOn(found.Value) is { } on ? ConfigNode.NewBoolean(found.Line, on) : null,
        LegacyValue.Word => IsOn(found.Value) == true ? ConfigNode.NewString(found.Line, key.ListedWord) : null,
        LegacyValue.List => List(found),
        LegacyValue.Ports => Ports(found),
        _ => ConfigNode.NewString(found.Line, found.Value),
    };

    /// <summary>What a boolean says, or <c>null</c> when it is none.</summary>
    public static bool? IsOn(string? value) => value switch
    {
        "1" or "t" or "T" or "true" or "TRUE" or "True" or "YES" or "yes" or "Yes" or "y" or "ON" or "on" or "On" => true,
        "0" or "f" or "F" or "false" or "FALSE" or "False" or "NO" or "no" or "No" or "n" or "OFF" or "off" or "Off" => false,
        _ => null,
    };

    /// <summary>The texts between the commas of a value; a comma behind a backslash is one of a text.</summary>
    public static IEnumerable<string> Items(string value)
    {
        var item = new System.Text.StringBuilder();
        for (var i = 0; i < value.Length; i++)
            if (value[i] == '\\' && i + 1 < value.Length)
            {
                if (value[++i] is not ('\\' or ',')) item.Append('\\');
                item.Append(value[i]);
            }
            else if (value[i] == ',')
            {
                yield return item.ToString().Trim();
                item.Clear();
            }
            else if (value[i] != '\\')
            {
                item.Append(value[i]);
            }
        if (item.Length > 0)
            yield return item.ToString().Trim();
    }

    private static ConfigNode List(IniKey found)
    {
        var list = ConfigNode.NewArray(found.Line);
        foreach (var item in Items(found.Value))
            list.AddItem(ConfigNode.NewString(found.Line, item));
        return list;
    }

    private static ConfigNode? Ports(IniKey found)
    {
        List<PortsRangeConfig> ranges;
        try
        {
            ranges = PortRanges.Parse(found.Value);
        }
        catch (FormatException)
        {
            return null; // Compat: a broken list allows every port.
        }
        var list = ConfigNode.NewArray(found.Line);
        foreach (var range in ranges)
        {
            var element = ConfigNode.NewObject(found.Line);
            foreach (var (name, port) in new[] { ("start", range.Start), ("end", range.End), ("single", range.Single) })
                element.Set(name, found.Line, ConfigNode.NewInteger(found.Line, port, port.ToString(CultureInfo.InvariantCulture)));
            list.AddItem(element);
        }
        return list;
    }
}
