using System.Text;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.StaticFiles;
using Microsoft.Extensions.FileProviders;

namespace Frp.Client;

/// <summary>What is in a folder, as a page of links.</summary>
// Compat: the form that frp's users, and their scripts, read.
internal sealed class FolderListing : IDirectoryFormatter
{
    public Task GenerateContentAsync(HttpContext context, IEnumerable<IFileInfo> contents)
    {
        context.Response.ContentType = "text/html; charset=utf-8";
        byte[] page = Encoding.UTF8.GetBytes(Page(contents));
        context.Response.ContentLength = page.Length;
        return context.Response.Body.WriteAsync(page, context.RequestAborted).AsTask();
    }

    internal static string Page(IEnumerable<IFileInfo> contents)
    {
        var page = new StringBuilder("<!doctype html>\n<meta name=\"viewport\" content=\"width=device-width\">\n<pre>\n");
        foreach (var entry in contents.OrderBy(e => e.Name, StringComparer.Ordinal))
        {
            string slash = entry.IsDirectory ? "/" : "";
            page.Append("<a href=\"").Append(Uri.EscapeDataString(entry.Name)).Append(slash).Append("\">")
                .Append(HtmlEncoder.Default.Encode(entry.Name)).Append(slash).Append("</a>\n");
        }
        return page.Append("</pre>\n").ToString();
    }
}
