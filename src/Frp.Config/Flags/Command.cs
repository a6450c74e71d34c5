using System.Text;

namespace Frp.Config.Flags;

/// <summary>A program, or a sub-command of one: a name, flags, what it does.</summary>
public sealed class Command
{
    private readonly List<Command> _children = [];

    /// <summary>A command.</summary>
    /// <param name="name">Name; for a program that of its file.</param>
    /// <param name="summary">One line for the list of sub-commands.</param>
    /// <param name="description">What help says first.</param>
    public Command(string name, string summary, string? description = null) => (Name, Summary, Description) = (name, summary, description ?? summary);

    /// <summary>Name.</summary>
    public string Name { get; }
    /// <summary>One line.</summary>
    public string Summary { get; }
    /// <summary>What help says first.</summary>
    public string Description { get; }
    /// <summary>The command above, or <c>null</c> for a program.</summary>
    public Command? Parent { get; private set; }
    /// <summary>Flags of this command and all below it: they may stand before or behind a sub-command's name.</summary>
    public FlagSet Persistent { get; } = new();
    /// <summary>Flags of this command alone.</summary>
    public FlagSet Local { get; } = new();
    /// <summary>The command does something by itself; otherwise it only has sub-commands and shows help.</summary>
    public bool Runs { get; init; } = true;
    /// <summary>Sub-commands.</summary>
    public IReadOnlyList<Command> Children => _children;

    /// <summary>Adds a sub-command.</summary>
    public Command Add(Command child)
    {
        ArgumentNullException.ThrowIfNull(child);
        child.Parent = this;
        _children.Add(child);
        return child;
    }

    /// <summary>Names from the program down to this command.</summary>
    public string FullName => Parent is null ? Name : Parent.FullName + " " + Name;

    /// <summary>Help: the description and <see cref="Usage"/>.</summary>
    public string Help() => Description + "\n\n" + Usage();

    /// <summary>How the command is used: forms, sub-commands, flags.</summary>
    public string Usage()
    {
        var text = new StringBuilder("Usage:\n");
        if (Runs)
            text.Append("  ").Append(FullName).Append(" [flags]\n");
        if (_children.Count > 0)
        {
            text.Append("  ").Append(FullName).Append(" [command]\n\nAvailable Commands:\n");
            var rows = _children.Select(c => (c.Name, c.Summary)).ToList();
            if (Parent is null)
                rows.Add((CommandLine.HelpName, "Help about any command"));
            var width = Math.Max(11, rows.Max(r => r.Name.Length));
            foreach (var (name, summary) in rows.OrderBy(r => r.Name, StringComparer.Ordinal))
                text.Append("  ").Append(name.PadRight(width)).Append(' ').Append(summary).Append('\n');
        }
        text.Append("\nFlags:\n").Append(OwnFlags());
        var global = string.Concat(Ancestors().Select(c => c.Persistent.Describe()));
        if (global.Length > 0)
            text.Append("\nGlobal Flags:\n").Append(global);
        if (_children.Count > 0)
            text.Append("\nUse \"").Append(FullName).Append(" [command] --help\" for more information about a command.\n");
        return text.ToString();
    }

    internal IEnumerable<Command> Ancestors()
    {
        for (var command = Parent; command is not null; command = command.Parent)
            yield return command;
    }

    // Own and persistent flags make one list, aligned as one.
    private string OwnFlags()
    {
        var all = new FlagSet();
        all.Switch(CommandLine.HelpName, 'h', false, "help for " + Name, _ => { });
        all.Include(Local);
        all.Include(Persistent);
        return all.Describe();
    }
}
