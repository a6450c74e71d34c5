using System.Text;

namespace Frp.Hosting;

/// <summary>The script for fish.</summary>
internal static class FishCompletion
{
    internal static string Script(CompletionTree tree)
    {
        string name = tree.Program;
        var lines = new StringBuilder();
        foreach (var place in tree.Places)
        {
            string at = $"complete -c {name} -n \"__{name}_at '{place.Path}'\"";
            foreach (var command in place.Commands) lines.Append($"{at} -f -a {command.Text}{Description(command.Description)}\n");
            foreach (var flag in place.Flags)
            {
                string letter = flag.Letter is { } l ? $" -s {l}" : "";
                string value = flag.TakesValue ? " -r" : " -f";
                lines.Append($"{at}{value} -l {flag.Name}{letter}{Description(flag.Description)}\n");
            }
        }
        string paths = string.Join(' ', tree.Places.Where(p => p.Path.Length > 0).Select(p => $"'{p.Path}'"));
        return $$"""
            # Completes {{name}} in fish:   {{name}} completion fish | source
            function __{{name}}_at -a wanted -d 'whether the command line is at this command'
                set -l valued {{string.Join(' ', tree.Valued)}}
                set -l places {{paths}}
                set -l place ''
                set -l skip ''
                for word in (commandline -opc)[2..-1]
                    if test -n "$skip"
                        set skip ''
                    else if string match -q -- '-*' $word
                        contains -- (string replace -a _ - -- $word) $valued; and set skip yes
                    else
                        set -l next (string trim -- "$place $word")
                        contains -- $next $places; and set place $next
                    end
                end
                test "$place" = "$wanted"
            end

            {{lines}}
            """;
    }

    private static string Description(string text) =>
        text.Length == 0 ? "" : " -d '" + text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "\\'", StringComparison.Ordinal) + "'";
}
