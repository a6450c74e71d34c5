using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http;

namespace Frp.Web;

/// <summary>What a <see cref="WebHandler"/> answers. Built by the methods here; changed with <c>with</c>.</summary>
public sealed record WebAnswer
{
    /// <summary>The content type of plain text.</summary>
    public const string PlainText = "text/plain; charset=utf-8";

    private WebAnswer() { }

    /// <summary>200 without a body.</summary>
    public static WebAnswer Empty { get; } = new();

    /// <summary>HTTP status.</summary>
    public int Status { get; init; } = StatusCodes.Status200OK;

    /// <summary>
    /// Called once when the answer is on its way to the client, or cannot be sent. It must not wait: who wants to end the program, or this
    /// server, sets a signal here that somebody else waits for. The server's own stop still sends what it has answered.
    /// </summary>
    public Action? Afterwards { get; init; }

    /// <summary>For the log; null when nothing went wrong.</summary>
    internal string? Fault { get; private init; }

    internal string? ContentType { get; private init; }

    internal ReadOnlyMemory<byte> Body { get; private init; }

    /// <summary>Writes a body whose length is not known before; called with the head not sent yet. Owns nothing.</summary>
    internal Func<HttpContext, CancellationToken, Task>? Writer { get; private init; }

    internal string? Location { get; private init; }

    /// <summary>Text.</summary>
    /// <param name="text">Sent as UTF-8.</param>
    /// <param name="contentType">Its type; plain text unless said otherwise.</param>
    public static WebAnswer Text(string text, string contentType = PlainText) => Bytes(Encoding.UTF8.GetBytes(text), contentType);

    /// <summary>Bytes as they are.</summary>
    /// <param name="body">Not to be changed any more.</param>
    /// <param name="contentType">Their type.</param>
    public static WebAnswer Bytes(ReadOnlyMemory<byte> body, string contentType) => new() { Body = body, ContentType = contentType };

    /// <summary>A value as JSON, with a line break behind it.</summary>
    /// <typeparam name="T">The value's type.</typeparam>
    /// <param name="value">Written at once: it may change afterwards.</param>
    /// <param name="description">Generated. Its context's encoder decides how much is escaped; <see cref="JsonEncoder"/> is right here.</param>
    public static WebAnswer Json<T>(T value, JsonTypeInfo<T> description) =>
        Bytes((byte[])[.. JsonSerializer.SerializeToUtf8Bytes(value, description), (byte)'\n'], "application/json");

    /// <summary>An error in the form that both programs have: <c>{"Code":404,"Msg":"..."}</c>. Logged as a warning.</summary>
    /// <param name="code">HTTP status too.</param>
    /// <param name="message">For the client and the log.</param>
    public static WebAnswer Error(int code, string message) =>
        Json(new WebError(code, message), WebJson.Relaxed.WebError) with { Status = code, Fault = message };

    /// <summary>Escapes what JSON demands and nothing else: answers are never part of a page.</summary>
    public static JavaScriptEncoder JsonEncoder => JavaScriptEncoder.UnsafeRelaxedJsonEscaping;

    /// <summary>301 to another place of this server.</summary>
    internal static WebAnswer MovedTo(string path) => Text($"<a href=\"{path}\">Moved Permanently</a>.\n\n", "text/html; charset=utf-8") with
    {
        Status = StatusCodes.Status301MovedPermanently,
        Location = path,
    };

    internal static WebAnswer Written(string contentType, Func<HttpContext, CancellationToken, Task> writer) => new() { ContentType = contentType, Writer = writer };

    /// <summary>The answer of a path where nothing is.</summary>
    internal static WebAnswer NotFound { get; } = Text("404 page not found\n") with { Status = StatusCodes.Status404NotFound };
}

/// <summary>The body of an error.</summary>
internal sealed record WebError([property: JsonPropertyName("Code")] int Code, [property: JsonPropertyName("Msg")] string Msg);

[JsonSerializable(typeof(WebError))]
internal sealed partial class WebJson : JsonSerializerContext
{
    internal static WebJson Relaxed { get; } = new(new JsonSerializerOptions { Encoder = WebAnswer.JsonEncoder });
}
