namespace Frp.Config.Flags;

/// <summary>Which part of a command line's flags makes sense where it is read.</summary>
public enum FlagScope
{
    /// <summary>The client itself: everything.</summary>
    Client,
    /// <summary>A server that is asked over a gateway: nothing about the local service and the client's own leg.</summary>
    Gateway,
}

/// <summary>The flags that are the same for all kinds of proxies and visitors. Each sets one option of a configuration.</summary>
/// <remarks>
/// Declaring a flag sets its default in the configuration. What a kind has besides, it declares in its own folder.
/// Source: cli specification §5, §6, §8.
/// </remarks>
public static class CommonFlags
{
    /// <summary>Declares who the client is: user, client ID, token.</summary>
    public static void DeclareIdentity(FlagSet flags, ClientConfig client)
    {
        ArgumentNullException.ThrowIfNull(flags);
        ArgumentNullException.ThrowIfNull(client);
        flags.Text("user", 'u', "", "user", v => client.User = v);
        flags.Text("client-id", null, "", "stable identity of this client", v => client.ClientId = v);
        flags.Secret("token", 't', "", "auth token", v => client.Auth.Token = v);
    }

    /// <summary>Declares what a client without a configuration file can be told: who it is, where its server is, how it logs.</summary>
    public static void DeclareClient(FlagSet flags, ClientConfig client)
    {
        DeclareIdentity(flags, client);
        var (transport, log) = (client.Transport, client.Log);
        flags.Text("server_addr", 's', "127.0.0.1", "address of the server", v => client.ServerAddr = v);
        flags.Number("server_port", 'P', 7000, "port of the server", v => client.ServerPort = v);
        flags.Text("protocol", 'p', "tcp", "how the server is reached: tcp, kcp, quic, websocket, wss", v => transport.Protocol = v);
        flags.Text("log_level", null, "info", "log level", v => log.Level = v);
        flags.Text("log_file", null, "console", "console or a file", v => log.To = v);
        flags.Number("log_max_days", null, 3, "days that rotated log files are kept", v => log.MaxDays = v);
        flags.Switch("disable_log_color", null, false, "no colours on the console", v => log.DisablePrintColor = v);
        flags.Text("tls_server_name", null, "", "name that the server's certificate is asked for", v => transport.Tls.ServerName = v);
        flags.Switch("tls_enable", null, true, "TLS towards the server", v => transport.Tls.Enable = v);
        flags.Text("dns_server", null, "", "DNS server instead of the system's", v => client.DnsServer = v);
    }

    /// <summary>Declares what proxies of all kinds have.</summary>
    public static void DeclareProxy(FlagSet flags, ProxyConfig proxy, FlagScope scope)
    {
        ArgumentNullException.ThrowIfNull(flags);
        ArgumentNullException.ThrowIfNull(proxy);
        flags.Text("proxy_name", 'n', "", "proxy name", v => proxy.Name = v);
        flags.Pairs("metadatas", null, "pairs for server plugins, key1=value1,key2=value2", v => proxy.Metadatas = v);
        flags.Pairs("annotations", null, "pairs for the dashboard, key1=value1,key2=value2", v => proxy.Annotations = v);
        if (scope == FlagScope.Gateway)
            return;
        var transport = proxy.Transport;
        flags.Text("local_ip", 'i', "127.0.0.1", "host of the local service", v => proxy.LocalIP = v);
        flags.Number("local_port", 'l', 0, "port of the local service", v => proxy.LocalPort = v);
        flags.Switch("ue", null, false, "encrypt the tunnel", v => transport.UseEncryption = v);
        flags.Switch("uc", null, false, "compress the tunnel", v => transport.UseCompression = v);
        flags.Custom("bandwidth_limit", null, "string", "bytes a second, such as 100KB or 1MB", v => transport.BandwidthLimit = Bandwidth(v));
        flags.Text("bandwidth_limit_mode", null, "client", "who throttles: client or server", v => transport.BandwidthLimitMode = v);
    }

    /// <summary>Declares what visitors of all kinds have.</summary>
    public static void DeclareVisitor(FlagSet flags, VisitorConfig visitor)
    {
        ArgumentNullException.ThrowIfNull(flags);
        ArgumentNullException.ThrowIfNull(visitor);
        flags.Text("visitor_name", 'n', "", "visitor name", v => visitor.Name = v);
        flags.Switch("ue", null, false, "encrypt the tunnel", v => visitor.Transport.UseEncryption = v);
        flags.Switch("uc", null, false, "compress the tunnel", v => visitor.Transport.UseCompression = v);
        flags.Secret("sk", null, "", "secret key", v => visitor.SecretKey = v);
        flags.Text("server_name", null, "", "name of the proxy to visit", v => visitor.ServerName = v);
        flags.Text("server-user", null, "", "user of the proxy to visit", v => visitor.ServerUser = v);
        flags.Text("bind_addr", null, "", "address to listen on (127.0.0.1 when empty)", v => visitor.BindAddr = v);
        flags.Number("bind_port", null, 0, "port to listen on", v => visitor.BindPort = v);
    }

    private static BandwidthQuantity Bandwidth(string text) =>
        BandwidthQuantity.TryParse(text, out var quantity, out var fault) ? quantity : throw new FormatException(fault);
}
