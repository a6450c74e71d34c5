namespace Frp.Config.Flags;

/// <summary>What a command line asks for. The flags have set what they set.</summary>
/// <param name="Command">The command to run.</param>
/// <param name="Arguments">What stood besides flags and the names of commands.</param>
/// <param name="Output">Text to print instead of running: help; otherwise <c>null</c>.</param>
/// <param name="IsComplaint">Whether the text goes to standard error. The exit code is 0 all the same.</param>
public sealed record Invocation(Command Command, IReadOnlyList<string> Arguments, string? Output, bool IsComplaint = false);

/// <summary>A command line cannot be understood. The text goes to standard error, the exit code is 1.</summary>
public sealed class CommandLineException : Exception
{
    internal CommandLineException(string message, string text) : base(message) => Text = text;

    /// <summary><c>Error: </c>, the message, and how the command is used.</summary>
    public string Text { get; }
}

/// <summary>Reads command lines the way cobra does, the library whose behaviour scripts expect.</summary>
/// <remarks>The command is found first; then all flags, wherever they stand, are read as that command's.</remarks>
public static class CommandLine
{
    /// <summary>Name of the command that every program has besides its own.</summary>
    public const string HelpName = "help";

    /// <summary>What it does.</summary>
    public const string HelpSummary = "Help about any command";

    /// <summary>Finds the command and sets its flags.</summary>
    /// <exception cref="CommandLineException">The arguments do not fit.</exception>
    public static Invocation Parse(Command root, IReadOnlyList<string> args)
    {
        ArgumentNullException.ThrowIfNull(root);
        ArgumentNullException.ThrowIfNull(args);
        var (command, rest) = (root, args.ToList());
        int first;
        while ((first = FirstArgument(command, rest)) >= 0)
        {
            if (command == root && rest[first] == HelpName && root.Child(HelpName) is null)
                return Topic(root, [.. rest.Skip(first + 1).Where(name => !name.StartsWith('-'))]);
            if (command.Child(rest[first]) is not { } child)
                break;
            rest.RemoveAt(first);
            command = child;
        }
        if (first >= 0)
            ThrowIfUnknown(command, rest[first]);
        var (arguments, isHelp) = Apply(command, rest);
        if (arguments.Count > 0 && !isHelp && command.TakesNoArguments)
        {
            var message = $"unknown command \"{arguments[0]}\" for \"{command.FullName}\"";
            throw new CommandLineException(message, $"Error: {message}\n{command.Usage()}\n");
        }
        return new Invocation(command, arguments, isHelp || command.Run is null ? command.Help() : null);
    }

    // Where the first argument stands that is neither a flag nor a flag's value; negative = there is none.
    private static int FirstArgument(Command command, List<string> args)
    {
        var sets = command.FlagSets;
        for (var i = 0; i < args.Count && args[i] != "--"; i++)
            if (args[i].StartsWith('-'))
                i += FlagSet.TakesNext(sets, args[i]) ? 1 : 0;
            else if (args[i].Length > 0)
                return i;
        return -1;
    }

    // Only a program's own arguments are names of commands, and none behind "--"; commands ignore what they do not know.
    private static void ThrowIfUnknown(Command command, string name)
    {
        if (command.Parent is not null || command.Children.Count == 0)
            return;
        var message = $"unknown command \"{name}\" for \"{command.Name}\"";
        var near = Nearest.Of(name, command.Children.Select(c => c.Name));
        var hint = near is null ? "" : $"\nDid you mean this?\n\t{near}\n\n";
        throw new CommandLineException(message, $"Error: {message}\n{hint}Run '{command.Name} --help' for usage.\n");
    }

    private static (List<string> Arguments, bool IsHelp) Apply(Command command, List<string> args)
    {
        var isHelp = false;
        var help = new FlagSet();
        help.Switch(HelpName, 'h', false, "", on => isHelp = on);
        IReadOnlyList<FlagSet> sets = [.. command.FlagSets, help];
        var arguments = new List<string>();
        try
        {
            for (var i = 0; i < args.Count;)
                if (args[i] == "--")
                {
                    arguments.AddRange(args.Skip(i + 1));
                    break;
                }
                else if (args[i].Length > 1 && args[i][0] == '-')
                    FlagSet.Take(sets, args, ref i);
                else
                    arguments.Add(args[i++]);
        }
        catch (UsageException e)
        {
            // Behind the flags, where the reader is when they have scrolled by.
            var hint = e.Hint is null ? "" : e.Hint + "\n";
            throw new CommandLineException(e.Message, $"Error: {e.Message}\n{command.Usage()}\n{hint}");
        }
        return (arguments, isHelp);
    }

    private static Invocation Topic(Command root, List<string> names)
    {
        var command = root;
        foreach (var name in names)
            if (command.Child(name) is { } child)
                command = child;
            else if (command == root)
                return new Invocation(root, [], $"Unknown help topic [{string.Join(' ', names.Select(n => $"`{n}`"))}]\n{root.Usage()}", IsComplaint: true);
            else
                break;
        return new Invocation(command, [], command.Help());
    }
}
