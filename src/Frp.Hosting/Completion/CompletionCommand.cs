using Frp.Config.Flags;

namespace Frp.Hosting;

/// <summary>The command <c>completion</c>: a script for each shell, which is told all that it completes.</summary>
public static class CompletionCommand
{
    private static readonly (string Shell, Func<CompletionTree, string> Script)[] Shells =
    [
        ("bash", BashCompletion.Script),
        ("zsh", ZshCompletion.Script),
        ("fish", FishCompletion.Script),
        ("powershell", PowerShellCompletion.Script),
    ];

    /// <summary>Makes the command.</summary>
    /// <param name="root">The program whose commands and flags are completed.</param>
    public static Command Create(Command root)
    {
        var command = new Command("completion", "Print a script that completes commands and flags in a shell");
        foreach (var (shell, script) in Shells)
        {
            bool isTerse = false;
            command.Add(new Command(shell, $"Print the script for {shell}")
            {
                TakesNoArguments = true,
                Declare = c => c.Local.Switch("no-descriptions", null, false, "complete without descriptions", v => isTerse = v),
                Run = () =>
                {
                    Console.Write(script(CompletionTree.Of(root, withDescriptions: !isTerse)));
                    return Task.CompletedTask;
                },
            });
        }
        return command;
    }
}
