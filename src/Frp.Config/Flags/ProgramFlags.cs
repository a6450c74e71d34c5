namespace Frp.Config.Flags;

/// <summary>The flags that both programs have: which file, how strictly it is read.</summary>
/// <remarks>They have their defaults when they are declared.</remarks>
public abstract class ProgramFlags
{
    private IReadOnlyList<string> _allowUnsafe = [];

    /// <summary>The configuration file; empty = none was named.</summary>
    public string ConfigFile { get; private set; } = "";

    /// <summary>The user wants to see the version; counts only without a sub-command.</summary>
    public bool WantsVersion { get; private set; }

    /// <summary>How a file is loaded according to the flags.</summary>
    public LoadOptions Options(LoadPurpose purpose) =>
        new() { Strict = IsStrict, AllowUnsafe = LoadOptions.ParseUnsafe(_allowUnsafe), Purpose = purpose };

    /// <summary>Unknown keys of a file are mistakes.</summary>
    public bool IsStrict { get; private set; }

    private protected void Declare(Command root, string configFile)
    {
        ArgumentNullException.ThrowIfNull(root);
        var flags = root.Persistent;
        flags.Text("config", 'c', configFile, "config file of " + root.Name, v => ConfigFile = v);
        flags.Switch("version", 'v', false, "version of " + root.Name, v => WantsVersion = v);
        flags.Switch("strict_config", null, true, "strict config parsing mode, unknown fields will cause errors", v => IsStrict = v);
        flags.List("allow-unsafe", null, "allowed unsafe features, one or more of: TokenSourceExec", v => _allowUnsafe = v);
    }
}

/// <summary>The client's flags that every sub-command has.</summary>
public sealed class ClientFlags : ProgramFlags
{
    /// <summary>Declares the flags of the program.</summary>
    public void Declare(Command root)
    {
        Declare(root, "./frpc.ini");
        root.Persistent.Text("config_dir", null, "", "config directory, run one frpc service for each file in config directory", v => ConfigDirectory = v);
    }

    /// <summary>A directory with a configuration file for each of many clients; empty = none.</summary>
    public string ConfigDirectory { get; private set; } = "";

    /// <summary>Completes and checks a configuration that was put together from flags.</summary>
    /// <exception cref="ConfigException">It cannot be used; all mistakes are listed, without a file and without the proxy's name.</exception>
    public LoadedConfig<ClientConfig> Check(ClientConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        var options = Options(LoadPurpose.Run);
        config.Complete(options.Environment);
        var errors = new ConfigErrors();
        config.Validate(errors, options.AllowUnsafe);
        foreach (EntryConfig entry in config.Proxies.Concat<EntryConfig>(config.Visitors))
            entry.Validate(errors);
        errors.ThrowIfAny();
        return new LoadedConfig<ClientConfig>(config, errors.Warnings);
    }
}

/// <summary>The server's flags, which are a configuration of their own when no file is named.</summary>
public sealed class ServerFlags : ProgramFlags
{
    private readonly ServerConfig _config = new();
    private readonly WebServerTlsConfig _dashboardTls = new();
    private bool _dashboardTlsMode;

    /// <summary>Declares the flags of the program.</summary>
    public void Declare(Command root)
    {
        Declare(root, "");
        var (flags, c) = (root.Persistent, _config);
        flags.Text("bind_addr", null, "0.0.0.0", "bind address", v => c.BindAddr = v);
        flags.Number("bind_port", 'p', 7000, "bind port", v => c.BindPort = v);
        flags.Number("kcp_bind_port", null, 0, "kcp bind udp port", v => c.KcpBindPort = v);
        flags.Number("quic_bind_port", null, 0, "quic bind udp port", v => c.QuicBindPort = v);
        flags.Text("proxy_bind_addr", null, "0.0.0.0", "proxy bind address", v => c.ProxyBindAddr = v);
        flags.Number("vhost_http_port", null, 0, "vhost http port", v => c.VhostHttpPort = v);
        flags.Number("vhost_https_port", null, 0, "vhost https port", v => c.VhostHttpsPort = v);
        flags.Number("vhost_http_timeout", null, 60, "vhost http response header timeout", v => c.VhostHttpTimeoutSeconds = v);
        flags.Text("dashboard_addr", null, "0.0.0.0", "dashboard address", v => c.WebServer.Addr = v);
        flags.Number("dashboard_port", null, 0, "dashboard port", v => c.WebServer.Port = v);
        flags.Text("dashboard_user", null, "admin", "dashboard user", v => c.WebServer.User = v);
        flags.Secret("dashboard_pwd", null, "admin", "dashboard password", v => c.WebServer.Password = v);
        flags.Switch("enable_prometheus", null, false, "enable prometheus dashboard", v => c.EnablePrometheus = v);
        flags.Text("log_file", null, "console", "log file", v => c.Log.To = v);
        flags.Text("log_level", null, "info", "log level", v => c.Log.Level = v);
        flags.Number("log_max_days", null, 3, "log max days", v => c.Log.MaxDays = v);
        flags.Switch("disable_log_color", null, false, "disable log color in console", v => c.Log.DisablePrintColor = v);
        flags.Secret("token", 't', "", "auth token", v => c.Auth.Token = v);
        flags.Text("subdomain_host", null, "", "subdomain host", v => c.SubDomainHost = v);
        flags.Custom("allow_ports", null, "string", "allow ports", v => c.AllowPorts = PortRanges.Parse(v));
        flags.Number("max_ports_per_client", null, 0, "max ports per client", v => c.MaxPortsPerClient = v);
        flags.Switch("tls_only", null, false, "frps tls only", v => c.Transport.Tls.Force = v);
        flags.Text("dashboard_tls_cert_file", null, "", "dashboard tls cert file", v => _dashboardTls.CertFile = v);
        flags.Text("dashboard_tls_key_file", null, "", "dashboard tls key file", v => _dashboardTls.KeyFile = v);
        // Compat: the only switch whose value must be said.
        flags.Custom("dashboard_tls_mode", null, "", "if enable dashboard tls mode", v => _dashboardTlsMode = FlagValue.Boolean(v));
        flags.DeclareFiles();
    }

    /// <summary>The server's configuration: of the file if one is named, otherwise of the flags.</summary>
    /// <exception cref="ConfigException">It cannot be used.</exception>
    public LoadedConfig<ServerConfig> Load(LoadPurpose purpose)
    {
        var options = Options(purpose);
        if (ConfigFile.Length > 0)
            return ConfigLoader.LoadServer(ConfigFile, options);
        if (_dashboardTlsMode)
            _config.WebServer.Tls = _dashboardTls;
        _config.Complete();
        var errors = new ConfigErrors();
        _config.Validate(errors, options.AllowUnsafe);
        errors.ThrowIfAny();
        return new LoadedConfig<ServerConfig>(_config, errors.Warnings);
    }
}
