namespace Frp.Config.Legacy;

/// <summary>How the value of a key is read.</summary>
internal enum LegacyValue
{
    Text,
    /// <summary>An integer in Go's notation; anything else is as if it were absent.</summary>
    Number,
    /// <summary>A boolean in one of its spellings; anything else is as if it were absent.</summary>
    Switch,
    /// <summary>Texts between commas.</summary>
    List,
    /// <summary>Ports and ranges of ports; anything else is an empty list.</summary>
    Ports,
    /// <summary>A boolean that, when it is on, puts a word into a list.</summary>
    Word,
    /// <summary>The beginning of keys whose rest is the key of a free-form map; their values are texts.</summary>
    Prefix,
}

/// <summary>A key of the old form and the option that it is now.</summary>
/// <param name="Key">The key, or for <see cref="LegacyValue.Prefix"/> its beginning.</param>
/// <param name="Option">The option's key, with dots; relative to the proxy or visitor in its sections.</param>
/// <param name="Value">How the value is read.</param>
/// <param name="ListedWord">What <see cref="LegacyValue.Word"/> puts into the list.</param>
internal sealed record LegacyKey(string Key, string Option, LegacyValue Value = LegacyValue.Text, string ListedWord = "");

/// <summary>Every key of the old form.</summary>
internal static class LegacyKeys
{
    private const LegacyValue Number = LegacyValue.Number;
    private const LegacyValue Switch = LegacyValue.Switch;
    private const LegacyValue List = LegacyValue.List;

    private static readonly LegacyKey[] Auth =
    [
        new("authentication_method", "auth.method"),
        new("authenticate_heartbeats", "auth.additionalScopes", LegacyValue.Word, "HeartBeats"),
        new("authenticate_new_work_conns", "auth.additionalScopes", LegacyValue.Word, "NewWorkConns"),
        new("token", "auth.token"),
    ];

    private static readonly LegacyKey[] Log =
    [
        new("log_file", "log.to"),
        new("log_level", "log.level"),
        new("log_max_days", "log.maxDays", Number),
        new("disable_log_color", "log.disablePrintColor", Switch),
    ];

    private static readonly LegacyKey[] Quic =
    [
        new("quic_keepalive_period", "transport.quic.keepalivePeriod", Number),
        new("quic_max_idle_timeout", "transport.quic.maxIdleTimeout", Number),
        new("quic_max_incoming_streams", "transport.quic.maxIncomingStreams", Number),
    ];

    /// <summary>The section <c>[common]</c> of a client.</summary>
    public static readonly LegacyKey[] Client =
    [
        .. Auth, .. Log, .. Quic,
        new("oidc_client_id", "auth.oidc.clientID"),
        new("oidc_client_secret", "auth.oidc.clientSecret"),
        new("oidc_audience", "auth.oidc.audience"),
        new("oidc_scope", "auth.oidc.scope"),
        new("oidc_token_endpoint_url", "auth.oidc.tokenEndpointURL"),
        new("oidc_additional_", "auth.oidc.additionalEndpointParams", LegacyValue.Prefix),
        new("server_addr", "serverAddr"),
        new("server_port", "serverPort", Number),
        new("nat_hole_stun_server", "natHoleStunServer"),
        new("dns_server", "dnsServer"),
        new("user", "user"),
        new("login_fail_exit", "loginFailExit", Switch),
        new("start", "start", List),
        new("includes", "includes", List),
        new("udp_packet_size", "udpPacketSize", Number),
        new("meta_", "metadatas", LegacyValue.Prefix),
        new("protocol", "transport.protocol"),
        new("dial_server_timeout", "transport.dialServerTimeout", Number),
        new("dial_server_keepalive", "transport.dialServerKeepalive", Number),
        new("connect_server_local_ip", "transport.connectServerLocalIP"),
        new("http_proxy", "transport.proxyURL"),
        new("pool_count", "transport.poolCount", Number),
        new("tcp_mux", "transport.tcpMux", Switch),
        new("tcp_mux_keepalive_interval", "transport.tcpMuxKeepaliveInterval", Number),
        new("heartbeat_interval", "transport.heartbeatInterval", Number),
        new("heartbeat_timeout", "transport.heartbeatTimeout", Number),
        new("tls_enable", "transport.tls.enable", Switch),
        new("tls_cert_file", "transport.tls.certFile"),
        new("tls_key_file", "transport.tls.keyFile"),
        new("tls_trusted_ca_file", "transport.tls.trustedCaFile"),
        new("tls_server_name", "transport.tls.serverName"),
        new("disable_custom_tls_first_byte", "transport.tls.disableCustomTLSFirstByte", Switch),
        new("admin_addr", "webServer.addr"),
        new("admin_port", "webServer.port", Number),
        new("admin_user", "webServer.user"),
        new("admin_pwd", "webServer.password"),
        new("assets_dir", "webServer.assetsDir"),
        new("pprof_enable", "webServer.pprofEnable", Switch),
    ];

    /// <summary>The section <c>[common]</c> of a server.</summary>
    public static readonly LegacyKey[] Server =
    [
        .. Auth, .. Log, .. Quic,
        new("oidc_issuer", "auth.oidc.issuer"),
        new("oidc_audience", "auth.oidc.audience"),
        new("oidc_skip_expiry_check", "auth.oidc.skipExpiryCheck", Switch),
        new("oidc_skip_issuer_check", "auth.oidc.skipIssuerCheck", Switch),
        new("bind_addr", "bindAddr"),
        new("bind_port", "bindPort", Number),
        new("kcp_bind_port", "kcpBindPort", Number),
        new("quic_bind_port", "quicBindPort", Number),
        new("proxy_bind_addr", "proxyBindAddr"),
        new("vhost_http_port", "vhostHTTPPort", Number),
        new("vhost_http_timeout", "vhostHTTPTimeout", Number),
        new("vhost_https_port", "vhostHTTPSPort", Number),
        new("tcpmux_httpconnect_port", "tcpmuxHTTPConnectPort", Number),
        new("tcpmux_passthrough", "tcpmuxPassthrough", Switch),
        new("subdomain_host", "subDomainHost"),
        new("custom_404_page", "custom404Page"),
        new("detailed_errors_to_client", "detailedErrorsToClient", Switch),
        new("max_ports_per_client", "maxPortsPerClient", Number),
        new("user_conn_timeout", "userConnTimeout", Number),
        new("udp_packet_size", "udpPacketSize", Number),
        new("nat_hole_analysis_data_reserve_hours", "natholeAnalysisDataReserveHours", Number),
        new("allow_ports", "allowPorts", LegacyValue.Ports),
        new("enable_prometheus", "enablePrometheus", Switch),
        new("tcp_mux", "transport.tcpMux", Switch),
        new("tcp_mux_keepalive_interval", "transport.tcpMuxKeepaliveInterval", Number),
        new("tcp_keepalive", "transport.tcpKeepalive", Number),
        new("max_pool_count", "transport.maxPoolCount", Number),
        new("heartbeat_timeout", "transport.heartbeatTimeout", Number),
        new("tls_only", "transport.tls.force", Switch),
        new("tls_cert_file", "transport.tls.certFile"),
        new("tls_key_file", "transport.tls.keyFile"),
        new("tls_trusted_ca_file", "transport.tls.trustedCaFile"),
        new("dashboard_addr", "webServer.addr"),
        new("dashboard_port", "webServer.port", Number),
        new("dashboard_user", "webServer.user"),
        new("dashboard_pwd", "webServer.password"),
        new("assets_dir", "webServer.assetsDir"),
        new("pprof_enable", "webServer.pprofEnable", Switch),
    ];

    /// <summary>Of a server's section <c>[common]</c>, what counts only with <c>dashboard_tls_mode</c>.</summary>
    public static readonly LegacyKey[] ServerDashboardTls =
    [
        new("dashboard_tls_cert_file", "webServer.tls.certFile"),
        new("dashboard_tls_key_file", "webServer.tls.keyFile"),
    ];

    /// <summary>A server's section <c>[plugin.NAME]</c>.</summary>
    public static readonly LegacyKey[] HttpPlugin =
    [
        new("addr", "addr"),
        new("path", "path"),
        new("ops", "ops", List),
        new("tlsVerify", "tlsVerify", Switch),
    ];

    /// <summary>A proxy's section.</summary>
    public static readonly LegacyKey[] Proxy =
    [
        new("type", "type"),
        new("local_ip", "localIP"),
        new("local_port", "localPort", Number),
        new("remote_port", "remotePort", Number),
        new("use_encryption", "transport.useEncryption", Switch),
        new("use_compression", "transport.useCompression", Switch),
        new("bandwidth_limit", "transport.bandwidthLimit"),
        new("bandwidth_limit_mode", "transport.bandwidthLimitMode"),
        new("proxy_protocol_version", "transport.proxyProtocolVersion"),
        new("group", "loadBalancer.group"),
        new("group_key", "loadBalancer.groupKey"),
        new("health_check_type", "healthCheck.type"),
        new("health_check_timeout_s", "healthCheck.timeoutSeconds", Number),
        new("health_check_max_failed", "healthCheck.maxFailed", Number),
        new("health_check_interval_s", "healthCheck.intervalSeconds", Number),
        new("health_check_url", "healthCheck.path"),
        new("meta_", "metadatas", LegacyValue.Prefix),
        new("custom_domains", "customDomains", List),
        new("subdomain", "subdomain"),
        new("locations", "locations", List),
        new("http_user", "httpUser"),
        new("http_pwd", "httpPassword"),
        new("host_header_rewrite", "hostHeaderRewrite"),
        new("header_", "requestHeaders.set", LegacyValue.Prefix),
        new("route_by_http_user", "routeByHTTPUser"),
        new("multiplexer", "multiplexer"),
        new("sk", "secretKey"),
        new("allow_users", "allowUsers", List),
    ];

    /// <summary>Of a proxy's section, what counts only with <c>plugin</c>.</summary>
    public static readonly LegacyKey[] ProxyPlugin =
    [
        new("plugin", "plugin.type"),
        new("plugin_local_addr", "plugin.localAddr"),
        new("plugin_host_header_rewrite", "plugin.hostHeaderRewrite"),
        new("plugin_header_", "plugin.requestHeaders.set", LegacyValue.Prefix),
        new("plugin_crt_path", "plugin.crtPath"),
        new("plugin_key_path", "plugin.keyPath"),
        new("plugin_http_user", "plugin.httpUser"),
        new("plugin_http_passwd", "plugin.httpPassword"),
        new("plugin_user", "plugin.username"),
        new("plugin_passwd", "plugin.password"),
        new("plugin_local_path", "plugin.localPath"),
        new("plugin_strip_prefix", "plugin.stripPrefix"),
        new("plugin_unix_path", "plugin.unixPath"),
    ];

    /// <summary>A section with <c>role = visitor</c>.</summary>
    public static readonly LegacyKey[] Visitor =
    [
        new("type", "type"),
        new("use_encryption", "transport.useEncryption", Switch),
        new("use_compression", "transport.useCompression", Switch),
        new("server_user", "serverUser"),
        new("server_name", "serverName"),
        new("sk", "secretKey"),
        new("bind_addr", "bindAddr"),
        new("bind_port", "bindPort", Number),
        new("protocol", "protocol"),
        new("keep_tunnel_open", "keepTunnelOpen", Switch),
        new("max_retries_an_hour", "maxRetriesAnHour", Number),
        new("min_retry_interval", "minRetryInterval", Number),
        new("fallback_to", "fallbackTo"),
        new("fallback_timeout_ms", "fallbackTimeoutMs", Number),
    ];
}
