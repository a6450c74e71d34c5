namespace Frp.Web;

/// <summary>Answers a request.</summary>
/// <param name="request">What is asked; not to be used when the answer is there.</param>
/// <returns>The answer. An exception that is no <see cref="IOException"/> of the request's body is a defect: it becomes a 500 and an error line.</returns>
/// <remarks>It runs on the thread pool and may take its time; <see cref="WebRequest.Aborted"/> fires when nobody waits for it any more.</remarks>
public delegate ValueTask<WebAnswer> WebHandler(WebRequest request);

/// <summary>A place of a web server, and what is there.</summary>
/// <param name="Method">The method in upper case; null for any.</param>
/// <param name="Pattern">
/// The path. A segment <c>{name}</c> stands for one decoded, non-empty segment; <c>{name...}</c> at the end for everything from there on,
/// slashes included. Of several patterns that match the first in the list wins.
/// </param>
/// <param name="Handler">Answers.</param>
public sealed record WebRoute(string? Method, string Pattern, WebHandler Handler)
{
    /// <summary>Whether everybody may ask. Open places are not logged either.</summary>
    public bool IsOpen { get; init; }

    /// <summary>A place to read, behind authentication.</summary>
    public static WebRoute Get(string pattern, WebHandler handler) => new("GET", pattern, handler);

    /// <summary>A place where something new is put, or something happens; behind authentication.</summary>
    public static WebRoute Post(string pattern, WebHandler handler) => new("POST", pattern, handler);

    /// <summary>A place to be replaced, behind authentication.</summary>
    public static WebRoute Put(string pattern, WebHandler handler) => new("PUT", pattern, handler);

    /// <summary>A place to be removed, behind authentication.</summary>
    public static WebRoute Delete(string pattern, WebHandler handler) => new("DELETE", pattern, handler);
}

/// <summary>What a program shows on its web server.</summary>
public sealed record WebSurface
{
    /// <summary>The program's places. <c>/</c>, <c>/healthz</c>, <c>/static/</c>, <c>/favicon.ico</c> and <c>/debug/pprof/</c> are the server's own.</summary>
    public required IReadOnlyList<WebRoute> Routes { get; init; }

    /// <summary>What the program holds, in words for people; shown under <c>/debug/pprof/</c>. Called from any thread.</summary>
    public required Func<string> DescribeState { get; init; }
}
