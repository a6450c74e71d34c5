using System.Text;
using Frp.Config.Templates;

namespace Frp.Config.Legacy;

/// <summary>Reads a configuration in the old INI form into the tree that every format becomes, so that defaults, validation and messages are the same.</summary>
/// <remarks>Single use, by one thread.</remarks>
internal sealed class LegacyDocument
{
    private const string Common = "common";
    private const string Range = "range:";
    private const string Plugin = "plugin.";
    private const string EarlyFault = "parse config error: ";

    private readonly IniFile _ini = new(isLoose: true);
    private readonly SourceMap _source = new();
    private readonly List<DocumentFault> _faults = [];
    private readonly ConfigNode _root = ConfigNode.NewObject(1);
    private readonly LegacyTree _tree;
    private readonly string _name;
    private readonly LoadOptions _options;

    private LegacyDocument(string name, LoadOptions options) => (_name, _options, _tree) = (name, options, new LegacyTree(_ini));

    /// <summary>The content is INI and has a section <c>[common]</c>, before any template in it is rendered.</summary>
    public static bool IsLegacy(ReadOnlySpan<byte> content)
    {
        if (content.IndexOf("[common]"u8) < 0)
            return false;
        var ini = new IniFile(isLoose: false);
        return ini.Append(Decode(content), 1) is null && ini.Find(Common) is not null;
    }

    /// <summary>Reads a document.</summary>
    /// <exception cref="ConfigException">It cannot be read.</exception>
    public static ConfigDocument Read(ReadOnlySpan<byte> content, string name, DocumentRole role, LoadOptions options)
    {
        var document = new LegacyDocument(name, options);
        if (document.Append(Decode(content), name) is { } fault)
        {
            var (_, line) = document._source.Locate(fault.Line);
            throw ConfigDocument.Fault(name, line, "ini: " + fault.Message);
        }
        if (role == DocumentRole.Server)
            document.Server();
        else
            document.Client();
        return new ConfigDocument(name, document._root, document._source)
        {
            IsLegacy = true,
            Faults = document._faults,
            Notices = options.Purpose == LoadPurpose.Run
                ? ["ini format is deprecated and the support will be removed in the future, please use yaml/json/toml format instead!"] : [],
        };
    }

    // Comments in an old file may be in any encoding.
    private static string Decode(ReadOnlySpan<byte> content) => Encoding.UTF8.GetString(content.StartsWith("\uFEFF"u8) ? content[3..] : content);

    private SyntaxFault? Append(string text, string file)
    {
        IReadOnlyList<int>? lines = null;
        if (text.Contains("{{", StringComparison.Ordinal))
            (text, lines) = ConfigTemplate.Render(text, file, _options, withRanges: false);
        return _ini.Append(text, _source.Append(file, lines, text.AsSpan().Count('\n') + 1));
    }

    private void Server()
    {
        var common = _ini.Find(Common) ?? new IniSection(Common, 1);
        _tree.Put(common, LegacyKeys.Server, _root);
        if (_ini.Value(common, "dashboard_addr") is not { Value.Length: > 0 })
            LegacyTree.Put(_root, "webServer.addr", common.Line, ConfigNode.NewString(common.Line, "0.0.0.0"));
        if (_ini.Value(common, "dashboard_tls_mode") is { } mode && LegacyTree.IsOn(mode.Value) == true)
        {
            LegacyTree.Put(_root, "webServer.tls", mode.Line, ConfigNode.NewObject(mode.Line));
            _tree.Put(common, LegacyKeys.ServerDashboardTls, _root);
        }
        foreach (var section in _ini.Sections)
            if (section.Name.StartsWith(Plugin, StringComparison.Ordinal))
                _tree.Put(section, LegacyKeys.HttpPlugin, Element("httpPlugins", section.Name[Plugin.Length..], section.Line));
    }

    private void Client()
    {
        var common = _ini.Find(Common) ?? new IniSection(Common, 1);
        _tree.Put(common, LegacyKeys.Client, _root);
        CheckEarly(common);
        if (_ini.Value(common, "includes") is { } includes)
            foreach (var pattern in LegacyTree.Items(includes.Value))
                Include(pattern, includes.Line);
        foreach (var section in _ini.Sections)
            if (section.Name is Common or IniFile.DefaultSection)
                continue;
            else if (section.Name.StartsWith(Range, StringComparison.Ordinal))
                Expand(section);
            else
                Entry(section, section.Name);
    }

    private void CheckEarly(IniSection common)
    {
        var (interval, timeout) = (_ini.Value(common, "heartbeat_interval"), _ini.Value(common, "heartbeat_timeout"));
        if (interval is not null && timeout is not null && GoNumber.TryInteger(interval.Value, out var period) && GoNumber.TryInteger(timeout.Value, out var limit)
            && limit > 0 && limit < period)
            Fault(timeout.Line, "transport.heartbeatTimeout", $"{EarlyFault}invalid heartbeat_timeout, {limit} is less than heartbeat_interval {period}");
        if (_ini.Value(common, "protocol") is { Value: not ("" or "tcp" or "kcp" or "quic" or "websocket" or "wss") } protocol)
            Fault(protocol.Line, "transport.protocol", EarlyFault + "invalid protocol, optional values are [tcp kcp quic websocket wss]");
    }

    private void Include(string pattern, int line)
    {
        IReadOnlyList<string> files;
        try
        {
            files = IncludePattern.Files(pattern);
        }
        catch (DirectoryNotFoundException)
        {
            Fault(line, "", $"{EarlyFault}include: directory of {pattern} not exist");
            return;
        }
        catch (ConfigException e)
        {
            Fault(line, "", e.Message);
            return;
        }
        foreach (var file in files)
            if (Read(file, line) is { } text)
                AppendIncluded(file, text);
    }

    private string? Read(string file, int line)
    {
        try
        {
            return Decode(_options.ReadFile(file));
        }
        catch (ConfigException e)
        {
            Fault(line, "", e.Message);
            return null;
        }
    }

    private void AppendIncluded(string file, string text)
    {
        try
        {
            if (Append(text, file) is { } fault)
                Fault(fault.Line, "", "ini: " + fault.Message);
        }
        catch (ConfigException e)
        {
            var first = _source.Append(file, null, text.AsSpan().Count('\n') + 1);
            Fault(first + e.Errors[0].Line - 1, "", e.Errors[0].Message);
        }
    }

    private void Entry(IniSection section, string name)
    {
        var role = _ini.Value(section, "role");
        switch (role?.Value)
        {
            case null or "" or "server":
                Proxy(section, name, []);
                break;
            case "visitor":
                _tree.Put(section, LegacyKeys.Visitor, Element("visitors", name, section.Line));
                break;
            default:
                Fault(role.Line, "", $"proxy {name} role should be 'server' or 'visitor', not {role.Value}");
                break;
        }
    }

    private void Proxy(IniSection section, string name, IEnumerable<(string Option, IniKey Key, long Port)> ports)
    {
        var proxy = Element("proxies", name, section.Line);
        LegacyTree.Put(proxy, "type", section.Line, ConfigNode.NewString(section.Line, "tcp"));
        _tree.Put(section, LegacyKeys.Proxy, proxy);
        if (_ini.Value(section, "plugin") is { Value.Length: > 0 })
            _tree.Put(section, LegacyKeys.ProxyPlugin, proxy);
        foreach (var (option, key, port) in ports)
            LegacyTree.Put(proxy, option, key.Line, ConfigNode.NewInteger(key.Line, port, $"{port}"));
    }

    // [range:NAME] is as many proxies as there are ports.
    private void Expand(IniSection section)
    {
        var name = section.Name[Range.Length..];
        var (local, remote) = (_ini.Value(section, "local_port"), _ini.Value(section, "remote_port"));
        if (local is not { Value.Length: > 0 } || remote is not { Value.Length: > 0 })
        {
            Fault(section.Line, "", $"proxy {section.Name}: local_port or remote_port is empty");
            return;
        }
        long[] locals, remotes;
        try
        {
            (locals, remotes) = (NumberRanges.Parse(local.Value), NumberRanges.Parse(remote.Value));
        }
        catch (FormatException e)
        {
            Fault(local.Line, "", $"proxy {section.Name}: {e.Message}");
            return;
        }
        if (locals.Length != remotes.Length)
        {
            Fault(local.Line, "", $"proxy {section.Name}: local ports number should be same with remote ports number, {locals.Length} and {remotes.Length} are given");
            return;
        }
        if (locals.Length > ushort.MaxValue + 1)
        {
            Fault(local.Line, "", $"proxy {section.Name}: range number is invalid, {locals.Length} are more than there are ports");
            return;
        }
        for (var i = 0; i < locals.Length; i++)
            Proxy(section, $"{name}_{i}", [("localPort", local, locals[i]), ("remotePort", remote, remotes[i])]);
    }

    private ConfigNode Element(string list, string name, int line)
    {
        if (!_root.TryGet(list, out var elements))
            _root.Set(list, line, elements = ConfigNode.NewArray(line));
        var element = ConfigNode.NewObject(line);
        element.Set("name", line, ConfigNode.NewString(line, name));
        elements.AddItem(element);
        return element;
    }

    private void Fault(int line, string path, string message) => _faults.Add(new DocumentFault(line, path, message));
}
