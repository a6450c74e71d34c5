using System.Text;

namespace Frp.Hosting;

/// <summary>The script for PowerShell, 5 and later.</summary>
internal static class PowerShellCompletion
{
    internal static string Script(CompletionTree tree)
    {
        string name = tree.Program;
        var places = new StringBuilder();
        foreach (var place in tree.Places)
        {
            places.Append($"        {Quote(place.Path)} = @(\n");
            foreach (var command in place.Commands) Append(command.Text, command.Description);
            foreach (var flag in place.Flags)
            {
                foreach (string spelling in flag.Spellings) Append(spelling, flag.Description);
            }
            places.Append("        )\n");
        }
        return $$"""
            # Completes {{name}} in PowerShell:   {{name}} completion powershell | Out-String | Invoke-Expression
            Register-ArgumentCompleter -Native -CommandName {{name}} -ScriptBlock {
                param($wordToComplete, $commandAst, $cursorPosition)
                # Case matters: -p and -P are two flags.
                $places = New-Object System.Collections.Hashtable ([StringComparer]::Ordinal)
                $all = @{
            {{places}}    }
                foreach ($key in $all.Keys) { $places[$key] = $all[$key] }
                $valued = @({{string.Join(", ", tree.Valued.Select(Quote))}})
                $place = ''
                $skip = $false
                foreach ($element in ($commandAst.CommandElements | Select-Object -Skip 1)) {
                    if ($element.Extent.EndOffset -ge $cursorPosition) { break }
                    $word = $element.ToString()
                    if ($skip) { $skip = $false; continue }
                    if ($word.StartsWith('-')) { $skip = $valued -ccontains $word.Replace('_', '-'); continue }
                    $next = "$place $word".Trim()
                    if ($places.ContainsKey($next)) { $place = $next }
                }
                if ($skip) { return }
                $places[$place] | Where-Object { $_.Word.StartsWith($wordToComplete, [StringComparison]::Ordinal) } | ForEach-Object {
                    if ($wordToComplete -or -not $_.Word.StartsWith('-')) {
                        [System.Management.Automation.CompletionResult]::new($_.Word, $_.Word, 'ParameterValue', $_.Text)
                    }
                }
            }

            """;

        // PowerShell wants a text for every word.
        void Append(string word, string text) => places.Append($"            @{{ Word = {Quote(word)}; Text = {Quote(text.Length == 0 ? word : text)} }}\n");
    }

    private static string Quote(string text) => "'" + text.Replace("'", "''", StringComparison.Ordinal) + "'";
}
