using Frp.Transport;
using Microsoft.AspNetCore.Http;

namespace Frp.Web;

/// <summary>A request, as a <see cref="WebHandler"/> sees it.</summary>
public sealed class WebRequest
{
    /// <summary>How long a client may take for the body of its request.</summary>
    // Source: http-api specification §1.
    internal static readonly TimeSpan ReadTime = TimeSpan.FromSeconds(60);

    private readonly HttpContext _context;
    private readonly IReadOnlyDictionary<string, string> _values;
    private readonly TimeProvider _time;

    internal WebRequest(HttpContext context, string path, IReadOnlyDictionary<string, string> values, TimeProvider time) =>
        (_context, Path, _values, _time) = (context, path, values, time);

    /// <summary>In upper case, as it came.</summary>
    public string Method => _context.Request.Method;

    /// <summary>The decoded path, without the query.</summary>
    public string Path { get; }

    /// <summary>What stands for a name of the route's pattern, decoded. Text of a stranger: escape it where it is shown.</summary>
    /// <exception cref="KeyNotFoundException">The pattern has no such name.</exception>
    public string this[string name] => _values[name];

    /// <summary>Fires when the client has gone, or the server does not wait any longer.</summary>
    public CancellationToken Aborted => _context.RequestAborted;

    internal HttpContext Context => _context;

    /// <summary>Whether the query has the parameter, be it empty.</summary>
    public bool HasQuery(string name) => _context.Request.Query.ContainsKey(name);

    /// <summary>The first value of a parameter of the query, decoded; empty when it is not there.</summary>
    public string Query(string name) => _context.Request.Query.TryGetValue(name, out var values) && values.Count > 0 ? values[0] ?? "" : "";

    /// <summary>Whether a parameter of the query says yes: <c>1</c>, <c>t</c>, <c>true</c>. Whatever else it says, it says no.</summary>
    public bool QueryFlag(string name) => Query(name) is "1" or "t" or "T" or "true" or "TRUE" or "True";

    /// <summary>Reads the body whole.</summary>
    /// <returns>At most <see cref="WebServer.MaxBodyBytes"/> bytes.</returns>
    /// <exception cref="IOException">The body is too long, broke off, or did not come in time. A handler may answer as it likes; when it does
    /// not catch this, the answer is a 400, 408 or 413 with the text.</exception>
    public async ValueTask<byte[]> ReadBodyAsync()
    {
        using var deadline = new Deadline(ReadTime, _time, Aborted);
        using var body = new MemoryStream();
        try
        {
            await _context.Request.Body.CopyToAsync(body, deadline.Token);
        }
        catch (OperationCanceledException e) when (deadline.HasPassed)
        {
            throw new BadHttpRequestException(deadline.Passed("request body").Message, StatusCodes.Status408RequestTimeout, e);
        }
        return body.ToArray();
    }
}
