using System.Text.Json;

namespace Yamux.Tests;

internal static class Vectors
{
    public static JsonDocument Load(string name) => JsonDocument.Parse(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Vectors", name)));
}
