using Frp.Config.Flags;

namespace Frp.Hosting;

/// <summary>What can be completed: for every command its sub-commands and its flags.</summary>
/// <param name="Program">The program's name, a plain word.</param>
/// <param name="Places">Every command, the program first.</param>
internal sealed record CompletionTree(string Program, IReadOnlyList<CompletionPlace> Places)
{
    /// <summary>Flags whose value is the next word, in all their spellings. The name means the same in every command.</summary>
    internal IEnumerable<string> Valued => Places.SelectMany(p => p.Flags).Where(f => f.TakesValue).SelectMany(f => f.Spellings).Distinct(StringComparer.Ordinal);

    /// <summary>Reads the commands of a program.</summary>
    internal static CompletionTree Of(Command root, bool withDescriptions)
    {
        var places = new List<CompletionPlace>();
        Collect(root);
        // Help takes the names of commands as its arguments.
        var first = places[0];
        places[0] = first with { Commands = [.. first.Commands, new CompletionWord(CommandLine.HelpName, withDescriptions ? CommandLine.HelpSummary : "")] };
        places.AddRange([.. places.Where(p => p.Commands.Count > 0).Select(p => new CompletionPlace($"{CommandLine.HelpName} {p.Path}".TrimEnd(), [.. p.Commands.Where(c => c.Text != CommandLine.HelpName)], []))]);
        return new CompletionTree(root.Name, places);

        void Collect(Command command)
        {
            string path = command == root ? "" : command.FullName[(root.Name.Length + 1)..];
            places.Add(new CompletionPlace(
                path,
                [.. command.Children.Select(c => new CompletionWord(c.Name, withDescriptions ? c.Summary : ""))],
                [.. command.AllFlags.Select(f => new CompletionFlag(f.Name, f.Letter, f.Bare is null, withDescriptions ? f.Usage : ""))]));
            foreach (var child in command.Children) Collect(child);
        }
    }
}

/// <summary>A command: what may follow its name.</summary>
/// <param name="Path">Names down to the command, without the program's; empty for the program.</param>
/// <param name="Commands">Sub-commands.</param>
/// <param name="Flags">Flags, inherited ones among them.</param>
internal sealed record CompletionPlace(string Path, IReadOnlyList<CompletionWord> Commands, IReadOnlyList<CompletionFlag> Flags);

/// <summary>A word with its description, which may be empty.</summary>
internal sealed record CompletionWord(string Text, string Description);

/// <summary>A flag.</summary>
internal sealed record CompletionFlag(string Name, char? Letter, bool TakesValue, string Description)
{
    internal IEnumerable<string> Spellings => Letter is { } letter ? ["--" + Name, "-" + letter] : ["--" + Name];
}
