using Frp.Config;
using Frp.Transport;
using Frp.Web;

namespace Frp.Server;

// Another configuration for a server that runs: everything that can fail is done first, and then one write exchanges the settings.
public sealed partial class FrpServer
{
    // A file is read in no time; what may take long is a program that yields the token. Clients of the API wait 30 s.
    private static readonly TimeSpan ReloadTime = TimeSpan.FromSeconds(20);

    private readonly SemaphoreSlim _reloading = new(1, 1);
    private volatile ServerSettings? _settings;
    private Func<ServerAuthConfig, string, IAuthenticator>? _authenticatorOf; // once the server has been started

    /// <summary>Reads the configuration again, by <see cref="ServerProgram.LoadConfig"/>, and takes it over.</summary>
    /// <param name="strict">Unknown keys are errors.</param>
    /// <param name="cancellationToken">Gives up; then nothing has changed.</param>
    /// <exception cref="ConfigException">There is no file, or it or something that it names cannot be used: nothing has changed. All errors are in it.</exception>
    public Task<ReloadResult> ReloadAsync(bool strict, CancellationToken cancellationToken = default)
    {
        if (_program.LoadConfig is not { } load) throw new ConfigException("frps has no config file path");
        var (config, warnings) = load(strict);
        foreach (string warning in warnings) Log.ConfigWarning(_logger, warning);
        return ReloadAsync(config, cancellationToken);
    }

    /// <summary>Takes over what a running server can take over of a configuration. All of that, or nothing.</summary>
    /// <remarks>
    /// <para>No session, proxy or user is dropped: each goes on as it began, and what begins afterwards begins by the new settings. Certificates,
    /// authorities and the token's source are read again even when no key has changed. Sessions keep the token, and the rules, that they logged in with.</para>
    /// <para>Keys that need a restart keep their old value, and are named in the result and in one line of the log.</para>
    /// <para><b>Concurrency.</b> Any number of calls; one after another.</para>
    /// </remarks>
    /// <param name="next">Loaded and validated. Not changed, and not to be changed, from here on.</param>
    /// <param name="cancellationToken">Gives up; then nothing has changed.</param>
    /// <exception cref="ConfigException">The configuration names something that cannot be had: nothing has changed. All errors are in it.</exception>
    public async Task<ReloadResult> ReloadAsync(ServerConfig next, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(next);
        using var deadline = new Deadline(ReloadTime, _time, cancellationToken);
        try
        {
            await _reloading.WaitAsync(deadline.Token);
            try
            {
                return await ExchangeAsync(_settings ?? throw new InvalidOperationException("the server has not been started"), next, deadline.Token);
            }
            finally
            {
                _reloading.Release();
            }
        }
        catch (OperationCanceledException) when (deadline.HasPassed)
        {
            throw new ConfigException($"the configuration was not taken over: {deadline.Passed("token").Message}");
        }
    }

    private async ValueTask<ReloadResult> ExchangeAsync(ServerSettings current, ServerConfig next, CancellationToken cancellationToken)
    {
        var changed = ModelKeys.Differences(current.Config, next);
        var (applied, needRestart) = ReloadKeys.Sort(changed);
        var config = ModelKeys.With(current.Config, next, applied.Contains);

        // What can fail: all of it is tried, so that all errors are told.
        var errors = new List<ConfigError>();
        var identity = Try(() => LoadIdentity(config, current.Identity), errors);
        var webIdentity = _web is null ? null : Try(() => WebServer.LoadIdentity(config.WebServer, _time, _loggers.CreateLogger("server/web")), errors);
        var hooks = Try(() => LoadHooks(config), errors);
        string? token = null;
        try
        {
            token = await config.Auth.ResolveTokenAsync(cancellationToken);
        }
        catch (ConfigException e)
        {
            errors.AddRange(e.Errors);
        }
        if (errors.Count > 0) throw new ConfigException(errors);

        // What cannot.
        _settings = SettingsOf(config, token!, identity!, hooks!); // the one write
        AnnounceKey(identity!);
        if (webIdentity is not null) _web!.UseIdentity(webIdentity);
        _program.SetLogLevel?.Invoke(config.Log.Level);
        Log.Reloaded(_logger, applied.Count == 0 ? "no key has changed" : string.Join(", ", applied));
        var result = new ReloadResult(applied, needRestart);
        if (needRestart.Count > 0) Log.NeedRestart(_logger, result.RestartNotice);
        return result;
    }

    private static T? Try<T>(Func<T?> load, List<ConfigError> errors) where T : class
    {
        try
        {
            return load();
        }
        catch (ConfigException e)
        {
            errors.AddRange(e.Errors);
            return null;
        }
    }

    private ServerSettings SettingsOf(ServerConfig config, string token, TlsServer identity, ServerHooks hooks) => new()
    {
        Config = config,
        Authenticator = _authenticatorOf!(config.Auth, token),
        Secrets = new SecretProofs(config.Auth, _time),
        Token = new SessionToken(token),
        Hooks = hooks,
        Identity = identity,
        Handshake = HandshakeOf(config, identity),
    };

    private ServerHooks LoadHooks(ServerConfig config) =>
        new([.. _program.Hooks, .. config.HttpPlugins.Select(plugin => new HttpPlugin(plugin, _pluginClients))], _loggers.CreateLogger("server/plugin"), _time);

    private BindPortHandshake HandshakeOf(ServerConfig config, TlsServer identity) => new(identity, config.Transport.Tls.Force, _time, _vhostPorts.Sharing);

    private TlsServer LoadIdentity(ServerConfig config, TlsServer? predecessor)
    {
        var tls = config.Transport.Tls;
        try
        {
            var options = new TlsServerOptions { CertFile = tls.CertFile, KeyFile = tls.KeyFile, TrustedCaFile = tls.TrustedCaFile, LongLived = config.Transport.TcpMux };
            return TlsServer.Load(options, _time, predecessor, _loggers.CreateLogger("server/tls"));
        }
        catch (TlsFileException e)
        {
            throw new ConfigException(e.Message, e);
        }
    }
}
