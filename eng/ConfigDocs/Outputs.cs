namespace ConfigDocs;

/// <summary>Every file that derives from the model.</summary>
internal static class Outputs
{
    private const string Reference = "configuration.md";

    /// <summary>The files by their path below <c>docs</c>, as they should be.</summary>
    /// <param name="docs">The folder; the prose of the reference is read from it.</param>
    public static IReadOnlyDictionary<string, string> Of(string docs)
    {
        var (server, client) = (ModelReader.Server(), ModelReader.Client());
        return new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["schema/frps.schema.json"] = SchemaWriter.Write("frps", server),
            ["schema/frpc.schema.json"] = SchemaWriter.Write("frpc", client),
            [Reference] = MarkedFile.Fill(File.ReadAllText(Path.Combine(docs, Reference)), TableWriter.Write(server, client)),
        };
    }
}
