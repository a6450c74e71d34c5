using System.Buffers;
using System.Collections.Frozen;
using System.Security.Cryptography;
using System.Text;

namespace Frp.Web;

/// <summary>What becomes of <c>X-Forwarded-For</c>, <c>-Host</c> and <c>-Proto</c>.</summary>
internal enum ForwardedFields
{
    /// <summary>The first is extended by the user's address, the others are set.</summary>
    Extend,
    /// <summary>They pass as they are: somebody in front has set them.</summary>
    Keep,
    /// <summary>They are left out.</summary>
    Remove,
}

/// <summary>What is done to requests on their way, prepared once: nothing in here is checked again per request.</summary>
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

    /// <summary>Prepares them.</summary>
    /// <param name="user">Demanded user name; empty together with the password for everybody.</param>
    /// <param name="password">Demanded password.</param>
    /// <param name="hostRewrite">What the local service gets to see as Host; empty for what the user said.</param>
    /// <param name="requestHeaders">Headers that the request gets, whatever they were.</param>
    /// <param name="responseHeaders">Headers that the response gets, whatever they were.</param>
    internal HttpSettings(string user, string password, string hostRewrite, IReadOnlyDictionary<string, string> requestHeaders, IReadOnlyDictionary<string, string> responseHeaders)
    {
        (_user, _password) = (Encoding.UTF8.GetBytes(user), Encoding.UTF8.GetBytes(password));
        HostRewrite = hostRewrite.Length == 0 ? null : ValueOf(hostRewrite);
        RequestHeaders = Prepare(requestHeaders);
        ResponseHeaders = Prepare(responseHeaders);
    }

    /// <summary>What becomes of the fields that say who the user is and what he asked for.</summary>
    internal ForwardedFields Forwarded { get; init; } = ForwardedFields.Extend;

    /// <summary>What the user speaks: <c>http</c> or <c>https</c>.</summary>
    internal string Scheme { get; init; } = "http";

    /// <summary>Whether requests in absolute form go on in absolute form, rather than with a path as target.</summary>
    internal bool KeepsAbsoluteForm { get; init; } = true;

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
