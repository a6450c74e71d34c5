using System.Text.Json.Nodes;
using Frp.Config.Flags;

namespace Frp.Programs.Tests;

/// <summary>The commands of both programs, and what the reference was recorded to say.</summary>
internal static class Trees
{
    internal static Command Of(string program) => program == "frps" ? Frps.ServerCommands.Create() : Frpc.ClientCommands.Create();

    internal static IEnumerable<Command> All(Command command) => command.Children.SelectMany(All).Prepend(command);

    /// <summary>A command by its full name.</summary>
    internal static Command Find(string name)
    {
        var words = name.Split(' ');
        return words.Skip(1).Aggregate(Of(words[0]), (command, word) => command.Child(word) ?? throw new ArgumentException($"no command {name}"));
    }

    internal static JsonNode Recorded { get; } = JsonNode.Parse(File.ReadAllText(FileOf("recorded.json")))!;

    internal static string FileOf(string name) => Path.Combine(AppContext.BaseDirectory, "Data", name);

    /// <summary>A flag without its description: <c>-p --bind-port int 7000</c>.</summary>
    internal static string Shape(FlagInfo flag) =>
        string.Join(' ', new[] { flag.Letter is { } letter ? $"-{letter}" : "", "--" + flag.Name, flag.Type, flag.Fallback.Trim('"') }.Where(p => p.Length > 0));
}
