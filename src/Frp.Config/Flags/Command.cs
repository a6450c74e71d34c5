using System.Text;

namespace Frp.Config.Flags;

/// <summary>A program, or a sub-command of one: a name, flags, what it does.</summary>
/// <remarks>
/// A command's flags are declared when somebody asks for them, which parsing does for the command that is run and those above it: a
/// program with many commands pays for one. Not safe for concurrent use.
/// </remarks>
public sealed class Command
{
    private readonly List<Command> _children = [];
    private readonly FlagSet _persistent = new();
    private readonly FlagSet _local = new();
    private Action<Command>? _declare;

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
    /// <summary>Declares the flags. Called once, before the first look at them.</summary>
    public Action<Command>? Declare { init => _declare = value; }
    /// <summary>What the command does; <c>null</c> = it only has sub-commands and shows help.</summary>
    public Func<Task>? Run { get; init; }
    /// <summary>Whether arguments besides flags are a mistake; otherwise they are passed over.</summary>
    public bool TakesNoArguments { get; init; }
    /// <summary>Sub-commands.</summary>
    public IReadOnlyList<Command> Children => _children;

    /// <summary>Flags of this command and all below it: they may stand before or behind a sub-command's name.</summary>
    public FlagSet Persistent => Declared(_persistent);
    /// <summary>Flags of this command alone.</summary>
    public FlagSet Local => Declared(_local);

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

    /// <summary>The sub-command of a name, or <c>null</c>.</summary>
    public Command? Child(string name) => _children.Find(c => c.Name == name);

    /// <summary>The flags that may stand on a command line of this command, the nearest first.</summary>
    public IReadOnlyList<FlagSet> FlagSets => [Local, Persistent, .. Ancestors().Select(c => c.Persistent)];

    /// <summary>Help: the description and <see cref="Usage"/>.</summary>
    public string Help() => Description + "\n\n" + Usage();

    /// <summary>How the command is used: forms, sub-commands, flags.</summary>
    public string Usage()
    {
        var text = new StringBuilder("Usage:\n");
        if (Run is not null)
            text.Append("  ").Append(FullName).Append(" [flags]\n");
        if (_children.Count > 0)
        {
            text.Append("  ").Append(FullName).Append(" [command]\n\nAvailable Commands:\n");
            var rows = _children.Select(c => (c.Name, c.Summary)).ToList();
            if (Parent is null)
                rows.Add((CommandLine.HelpName, CommandLine.HelpSummary));
            var width = Math.Max(11, rows.Max(r => r.Name.Length));
            foreach (var (name, summary) in rows.OrderBy(r => r.Name, StringComparer.Ordinal))
                text.Append("  ").Append(name.PadRight(width)).Append(' ').Append(summary).Append('\n');
        }
        text.Append("\nFlags:\n").Append(OwnFlags().Describe());
        var inherited = new FlagSet();
        foreach (var ancestor in Ancestors())
            inherited.Include(ancestor.Persistent);
        var global = inherited.Describe();
        if (global.Length > 0)
            text.Append("\nGlobal Flags:\n").Append(global);
        if (_children.Count > 0)
            text.Append("\nUse \"").Append(FullName).Append(" [command] --help\" for more information about a command.\n");
        return text.ToString();
    }

    /// <summary>The flags that help lists as the command's own: its local and persistent ones, and help.</summary>
    public FlagSet OwnFlags()
    {
        // They make one list, aligned as one.
        var all = new FlagSet();
        all.Switch(CommandLine.HelpName, 'h', false, "help for " + Name, _ => { });
        all.Include(Local);
        all.Include(Persistent);
        return all;
    }

    /// <summary>Every flag that may stand on a command line of this command, by name.</summary>
    public IEnumerable<FlagInfo> AllFlags
    {
        get
        {
            var all = OwnFlags();
            foreach (var ancestor in Ancestors())
                all.Include(ancestor.Persistent);
            return all.All;
        }
    }

    private IEnumerable<Command> Ancestors()
    {
        for (var command = Parent; command is not null; command = command.Parent)
            yield return command;
    }

    private FlagSet Declared(FlagSet flags)
    {
        if (_declare is { } declare)
        {
            _declare = null; // first, since it asks for the flags
            declare(this);
        }
        return flags;
    }
}
