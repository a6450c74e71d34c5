namespace Frp.Config;

/// <summary>Where the binder is: the key from the document's root, the key as messages tell it, and the words before them.</summary>
/// <param name="Path">Key from the root, such as <c>proxies[1].transport</c>.</param>
/// <param name="Field">Key inside the proxy, visitor or plugin that is read; the whole key in the common part.</param>
/// <param name="Prefix">Words before a message, such as <c>decode proxy at index 1: </c>.</param>
internal readonly record struct BindScope(string Path, string Field, string Prefix)
{
    public static BindScope Root => new("", "", "");

    public BindScope Member(string key) => this with { Path = ConfigErrors.Join(Path, key), Field = ConfigErrors.Join(Field, key) };

    public BindScope Item(int index) => Member($"[{index}]");

    /// <summary>The scope of something that messages tell about as a document of its own.</summary>
    public BindScope Document(string prefix) => new(Path, "", Prefix + prefix);
}
