using System.Buffers;
using System.Collections.Frozen;
using System.Security.Cryptography;
using System.Text;
using Frp.Proxies;

namespace Frp.Server;

/// <summary>What is done to the requests of a route, prepared once: nothing in here is checked again per request.</summary>
/// <remarks>
/// Header texts come from a client. Names that are no tokens, and those that frame a message, are left out; line breaks and other
/// controls in values become blanks, so that no value can begin a header or a message of its own. Texts beyond ASCII are kept as
/// their UTF-8 octets, a character each, which is how headers are written.
/// </remarks>
internal sealed class HttpSettings
{
    private static readonly SearchValues<char> TokenChars =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    private static readonly FrozenSet<string> Framing = FrozenSet.ToFrozenSet(
        ["Host", "Connection", "Content-Length", "Keep-Alive", "Proxy-Connection", "TE", "Trailer", "Transfer-Encoding", "Upgrade"], StringComparer.OrdinalIgnoreCase);

    private readonly byte[] _user;
    private readonly byte[] _password;

    internal HttpSettings(HttpRoute route)
    {
        (_user, _password) = (Encoding.UTF8.GetBytes(route.User), Encoding.UTF8.GetBytes(route.Password));
        HostRewrite = route.HostRewrite.Length == 0 ? null : ValueOf(route.HostRewrite);
        RequestHeaders = Prepare(route.RequestHeaders);
        ResponseHeaders = Prepare(route.ResponseHeaders);
    }

    /// <summary>What the local service gets to see as Host; null for what the user said.</summary>
    internal string? HostRewrite { get; }

    /// <summary>Headers that the request gets, whatever they were. Null for none.</summary>
    internal FrozenDictionary<string, string>? RequestHeaders { get; }

    /// <summary>Headers that the response gets, whatever they were. Null for none.</summary>
    internal FrozenDictionary<string, string>? ResponseHeaders { get; }

    /// <summary>Whether a user has to say who he is.</summary>
    internal bool DemandsCredentials => _user.Length > 0 || _password.Length > 0;

    /// <summary>Whether these are the demanded credentials. Takes as long for wrong ones of the same length as for right ones.</summary>
    internal bool Admits(HttpCredentials credentials) =>
        CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(credentials.User), _user)
        & CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(credentials.Password), _password);

    private static FrozenDictionary<string, string>? Prepare(IReadOnlyDictionary<string, string> headers)
    {
        var prepared = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var (name, value) in headers)
        {
            if (name.Length == 0 || name.AsSpan().ContainsAnyExcept(TokenChars) || Framing.Contains(name)) continue;
            prepared[name] = ValueOf(value ?? "");
        }
        return prepared.Count == 0 ? null : prepared.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);
    }

    private static string ValueOf(string text)
    {
        var octets = Encoding.UTF8.GetBytes(text);
        foreach (ref byte octet in octets.AsSpan())
        {
            if (octet < 0x20 || octet == 0x7F) octet = (byte)' ';
        }
        return Encoding.Latin1.GetString(octets).Trim(' ');
    }
}
