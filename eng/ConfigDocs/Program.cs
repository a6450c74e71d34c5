using ConfigDocs;

if (args is not [var docs])
{
    Console.Error.WriteLine("usage: ConfigDocs DOCS: writes what derives from the configuration's model into the folder DOCS");
    return 2;
}
foreach (var (path, content) in Outputs.Of(docs))
{
    var file = Path.Combine(docs, path);
    if (File.Exists(file) && File.ReadAllText(file) == content)
        continue;
    File.WriteAllText(file, content);
    Console.WriteLine($"written: {path}");
}
return 0;
