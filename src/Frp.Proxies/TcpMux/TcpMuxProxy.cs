using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Frp.Config;
using Frp.Config.Flags;
using Frp.Wire;

namespace Frp.Proxies;

/// <summary>Host names on the server's multiplexer port, reached by HTTP CONNECT.</summary>
public sealed class TcpMuxProxyConfig : DomainProxyConfig
{
    /// <summary>The one multiplexer there is.</summary>
    internal const string HttpConnect = "httpconnect";

    /// <summary>How users say which host they want.</summary>
    [Needed] [Allowed(HttpConnect)] public string Multiplexer { get; set; } = "";
    /// <summary>Proxy-auth user that the server demands.</summary>
    [JsonPropertyName("httpUser")] public string HttpUser { get; set; } = "";
    /// <summary>Proxy-auth password that the server demands.</summary>
    [JsonPropertyName("httpPassword")] public string HttpPassword { get; set; } = "";
    /// <summary>Connections of this proxy-auth user come here; empty = of every user whom no other proxy wants.</summary>
    [JsonPropertyName("routeByHTTPUser")] public string RouteByHttpUser { get; set; } = "";

    /// <inheritdoc/>
    public override void Validate(ConfigErrors errors)
    {
        ArgumentNullException.ThrowIfNull(errors);
        base.Validate(errors);
        if (Multiplexer != HttpConnect)
            errors.Add("multiplexer", "not support multiplexer: " + Multiplexer);
    }
}

/// <summary>The kind <c>tcpmux</c>.</summary>
internal sealed partial class TcpMuxProxy : ProxyKind
{
    public static readonly TcpMuxProxy Kind = new();

    public override string Name => "tcpmux";
    public override JsonTypeInfo ConfigType => Model.Of<TcpMuxProxyConfig>(TcpMuxJson.Default);

    public override ValueTask<IServerProxy> StartServerAsync(IServerProxyHost host, CancellationToken cancellationToken)
    {
        var wanted = host.Registration;
        bool known = wanted.Multiplexer == TcpMuxProxyConfig.HttpConnect;
        if (known && host.Config.TcpmuxHttpConnectPort == 0)
            throw new PeerRefusedException("tcpmux with multiplexer httpconnect not supported because this feature is not enabled in server");
        var domains = VhostDomains.Of(wanted, host.Config);
        if (!known) throw new PeerRefusedException($"unknown multiplexer [{wanted.Multiplexer}]");
        return VhostServerProxy.StartAsync(host, domains, host.Config.TcpmuxHttpConnectPort,
            domain => host.ListenConnect(new ConnectRoute(domain, wanted.RouteByHttpUser, wanted.HttpUser, wanted.HttpPassword)));
    }

    public override IClientProxy? CreateClient(ProxyConfig config, IClientProxyHost host) => Backend.Create(config, host);

    protected override void DeclareFlags(FlagSet flags, ProxyConfig config)
    {
        var mux = (TcpMuxProxyConfig)config;
        mux.DeclareFlags(flags);
        flags.Text("mux", null, "", "multiplexer: httpconnect", v => mux.Multiplexer = v);
        flags.Text("http_user", null, "", "user that the server demands", v => mux.HttpUser = v);
        flags.Secret("http_pwd", null, "", "password that the server demands", v => mux.HttpPassword = v);
    }

    protected override void Describe(ProxyConfig config, NewProxy message)
    {
        var mux = (TcpMuxProxyConfig)config;
        message.CustomDomains = mux.CustomDomains;
        message.Subdomain = mux.Subdomain;
        message.Multiplexer = mux.Multiplexer;
        message.HttpUser = mux.HttpUser;
        message.HttpPassword = mux.HttpPassword;
        message.RouteByHttpUser = mux.RouteByHttpUser;
    }

    [JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, GenerationMode = JsonSourceGenerationMode.Metadata)]
    [JsonSerializable(typeof(TcpMuxProxyConfig))]
    private sealed partial class TcpMuxJson : JsonSerializerContext;
}
