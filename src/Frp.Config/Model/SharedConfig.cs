namespace Frp.Config;

/// <summary>The web server of either program: dashboard on the server, admin API on the client.</summary>
public sealed class WebServerConfig
{
    /// <summary>Listen address.</summary>
    public string Addr { get; set; } = "";
    /// <summary>Listen port; 0 = no web server.</summary>
    [Bounds(0, BoundsAttribute.MaxPort)] public int Port { get; set; }
    /// <summary>Basic-auth user; empty together with the password = no authentication.</summary>
    public string User { get; set; } = "";
    /// <summary>Basic-auth password.</summary>
    public string Password { get; set; } = "";
    /// <summary>Directory that replaces the built-in dashboard.</summary>
    public string AssetsDir { get; set; } = "";
    /// <summary>Serve <c>/debug/pprof/</c>, without authentication.</summary>
    public bool PprofEnable { get; set; }
    /// <summary>HTTPS instead of plain HTTP.</summary>
    public WebServerTlsConfig? Tls { get; set; }

    internal void Complete() => Addr = Default.Of(Addr, "127.0.0.1");

    internal void Validate(ConfigErrors errors)
    {
        if (Tls is not null)
        {
            if (Tls.CertFile.Length == 0) errors.Add("tls.certFile", "tls.certFile must be specified when tls is enabled");
            if (Tls.KeyFile.Length == 0) errors.Add("tls.keyFile", "tls.keyFile must be specified when tls is enabled");
        }
        Check.Port(errors, "port", Port, "webServer.port");
    }
}

/// <summary>HTTPS of the web server.</summary>
public sealed class WebServerTlsConfig
{
    /// <summary>Certificate, PEM.</summary>
    [Needed] public string CertFile { get; set; } = "";
    /// <summary>Key of the certificate, PEM.</summary>
    [Needed] public string KeyFile { get; set; } = "";
    /// <summary>Accepted, without meaning.</summary>
    public string TrustedCaFile { get; set; } = "";
    /// <summary>Accepted, without meaning.</summary>
    public string ServerName { get; set; } = "";
}

/// <summary>The log of either program.</summary>
public sealed class LogConfig
{
    /// <summary><c>console</c> for standard output, or the path of a file that is rotated every day.</summary>
    public string To { get; set; } = "";
    /// <summary>Least level that is logged.</summary>
    [Allowed("trace", "debug", "info", "warn", "error")] public string Level { get; set; } = "";
    /// <summary>Days that rotated files are kept; negative = for ever.</summary>
    public int MaxDays { get; set; }
    /// <summary>No colours on the console.</summary>
    public bool DisablePrintColor { get; set; }

    internal void Complete()
    {
        To = Default.Of(To, "console");
        Level = Default.Of(Level, "info");
        MaxDays = Default.Of(MaxDays, 3);
    }

    internal void Validate(ConfigErrors errors)
    {
        if (Level is not ("trace" or "debug" or "info" or "warn" or "error"))
            errors.Add("level", "invalid log level, optional values are [trace debug info warn error]");
    }
}

/// <summary>A name with a value, as in lists of headers or environment variables.</summary>
public sealed class NameValueConfig
{
    /// <summary>The name.</summary>
    public string Name { get; set; } = "";
    /// <summary>The value.</summary>
    public string Value { get; set; } = "";
}
