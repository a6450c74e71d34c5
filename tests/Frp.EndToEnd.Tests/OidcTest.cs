using System.Text.Json;
using Frp.TestKit;

namespace Frp.EndToEnd.Tests;

/// <summary>Servers and clients with an issuer of tokens, which is a program of its own (<c>Data/issuer.py</c>).</summary>
public abstract class OidcTest : ReloadTest
{
    private protected const string Scopes = "auth.additionalScopes = [\"HeartBeats\", \"NewWorkConns\"]";
    private protected const string Credentials = "auth.oidc.clientID = \"frpc\"\nauth.oidc.clientSecret = \"s3cret:/+ %\"";
    private protected const string Oidc = "auth.method = \"oidc\"";

    private static readonly HttpClient Http = new(new SocketsHttpHandler { UseProxy = false }) { Timeout = Patience.Limit };

    /// <summary>Starts an issuer, or skips the test where it cannot run.</summary>
    /// <param name="port">Where it was before; 0 for anywhere.</param>
    /// <param name="tls">The port and the certificate with its key of a second door.</param>
    private protected async Task<Issuer> IssuerAsync(int port = 0, (int Port, string File)? tls = null)
    {
        string? python = ForeignPrograms.Find("python3");
        Assert.SkipWhen(python is null || !await HasCryptographyAsync(python), "python3 with its cryptography module is not installed");
        if (port == 0) port = Ports.Next();
        string script = Path.Combine(AppContext.BaseDirectory, "Data", "issuer.py");
        string[] arguments = tls is { } door ? [script, $"{port}", $"{door.Port}", door.File] : [script, $"{port}"];
        var program = Work.RunForeign(python!, arguments);
        await program.WaitForTextAsync("the issuer listens");
        return new Issuer(program, port);
    }

    /// <summary>The lines of a server that trusts an issuer.</summary>
    private protected static string[] Trusting(Issuer issuer, params string[] more) => [Oidc, $"auth.oidc.issuer = \"{issuer.Url}\"", "auth.oidc.audience = \"frps\"", .. more];

    /// <summary>The lines of a client that asks an issuer.</summary>
    private protected static string[] Asking(Issuer issuer, params string[] more) => [Oidc, Credentials, $"auth.oidc.tokenEndpointURL = \"{issuer.Url}/token\"", "auth.oidc.audience = \"frps\"", .. more];

    /// <summary>Shows a token to a server without multiplexing.</summary>
    /// <returns>What the server says: an error, or a run ID.</returns>
    private protected static async Task<(string Error, string RunId)> LoginAsync(int port, string token)
    {
        using var peer = await User.ConnectAsync(port);
        await peer.SendAsync(RawClient.Login("", proof: token));
        var (_, answer) = await RawClient.ReceiveAnswerAsync(peer);
        return (TextOf(answer, "error"), TextOf(answer, "run_id"));
    }

    private protected static string TextOf(JsonElement answer, string key) => answer.TryGetProperty(key, out var value) ? value.GetString()! : "";

    private async Task<bool> HasCryptographyAsync(string python)
    {
        var import = Work.RunForeign(python, "-c", "import cryptography");
        return await import.WaitForExitAsync() == 0;
    }

    /// <summary>An issuer, and where it is.</summary>
    private protected sealed record Issuer(RunningProgram Program, int Port)
    {
        internal string Url => $"http://127.0.0.1:{Port}";

        /// <summary>Has a token issued that is as the fields say.</summary>
        internal async Task<string> IssueAsync(params (string Name, string Value)[] fields)
        {
            var form = new Dictionary<string, string> { ["grant_type"] = "client_credentials", ["client_id"] = "frpc", ["client_secret"] = "s3cret:/+ %" };
            foreach (var (name, value) in fields) form[name] = value;
            using var content = new FormUrlEncodedContent(form);
            using var answer = await Http.PostAsync(new Uri($"{Url}/token"), content);
            using var body = JsonDocument.Parse(await answer.Content.ReadAsStringAsync());
            return body.RootElement.GetProperty("access_token").GetString()!;
        }

        /// <summary>Has new keys made.</summary>
        /// <param name="withOldIds">Whether they get the ids of the old ones.</param>
        internal async Task RotateAsync(bool withOldIds = false)
        {
            using var answer = await Http.GetAsync(new Uri($"{Url}/rotate{(withOldIds ? "?same" : "")}"));
            answer.EnsureSuccessStatusCode();
        }
    }
}
