namespace Frp.Config.Flags;

/// <summary>What a command line asks for. The flags have set what they set.</summary>
/// <param name="Command">The command to run.</param>
/// <param name="Arguments">What stood besides flags and the names of commands.</param>
/// <param name="Output">Text to print instead of running: help; otherwise <c>null</c>.</param>
public sealed record Invocation(Command Command, IReadOnlyList<string> Arguments, string? Output)
{
    /// <summary>The command is the program itself.</summary>
    public bool IsRoot => Command.Parent is null;
}

/// <summary>A command line cannot be understood. The text goes to standard error, the exit code is 1.</summary>
public sealed class CommandLineException : Exception
{
    internal CommandLineException(string message, string text) : base(message) => Text = text;

    /// <summary><c>Error: </c>, the message, and how the command is used.</summary>
    public string Text { get; }
}

/// <summary>Reads command lines the way cobra does, the library whose behaviour scripts expect.</summary>
public static class CommandLine
{
    internal const string HelpName = "help";

    /// <summary>Finds the command and sets its flags.</summary>
    /// <exception cref="CommandLineException">The arguments do not fit.</exception>
    public static Invocation Parse(Command root, IReadOnlyList<string> args)
    {
        ArgumentNullException.ThrowIfNull(root);
        ArgumentNullException.ThrowIfNull(args);
        var command = root;
        var arguments = new List<string>();
        var (isHelp, onlyArguments) = (false, false);
        try
        {
            for (var i = 0; i < args.Count;)
            {
                var argument = args[i];
                if (!onlyArguments && argument == "--")
                {
                    onlyArguments = true;
                    i++;
                }
                else if (!onlyArguments && argument.Length > 1 && argument[0] == '-')
                    FlagSet.Take(SetsOf(command, on => isHelp = on), args, ref i);
                else if (arguments.Count == 0 && !onlyArguments && command.Children.FirstOrDefault(c => c.Name == argument) is { } child)
                {
                    command = child;
                    i++;
                }
                else if (command == root && arguments.Count == 0 && argument == HelpName)
                    return new Invocation(root, [], Topic(root, args.Skip(i + 1)));
                else
                {
                    arguments.Add(argument);
                    i++;
                }
            }
        }
        catch (UsageException e)
        {
            throw new CommandLineException(e.Message, $"Error: {e.Message}\n{command.Usage()}\n");
        }
        if (!isHelp && command == root && root.Children.Count > 0 && arguments.Count > 0)
        {
            var message = $"unknown command \"{arguments[0]}\" for \"{root.Name}\"";
            throw new CommandLineException(message, $"Error: {message}\nRun '{root.Name} --help' for usage.\n");
        }
        return new Invocation(command, arguments, isHelp || !command.Runs ? command.Help() : null);
    }

    private static List<FlagSet> SetsOf(Command command, Action<bool> help)
    {
        var helpFlag = new FlagSet();
        helpFlag.Switch(HelpName, 'h', false, "", help);
        return [command.Local, command.Persistent, .. command.Ancestors().Select(a => a.Persistent), helpFlag];
    }

    private static string Topic(Command root, IEnumerable<string> names)
    {
        var command = root;
        foreach (var name in names.Where(n => !n.StartsWith('-')))
            if (command.Children.FirstOrDefault(c => c.Name == name) is { } child)
                command = child;
            else
                return $"Unknown help topic [`{name}`]\n{root.Usage()}";
        return command.Help();
    }
}
