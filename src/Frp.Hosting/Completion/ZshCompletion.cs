using System.Text;

namespace Frp.Hosting;

/// <summary>The script for zsh: to be sourced, or to be put into a directory of <c>$fpath</c> as <c>_NAME</c>.</summary>
internal static class ZshCompletion
{
    internal static string Script(CompletionTree tree)
    {
        string name = tree.Program;
        var cases = new StringBuilder();
        foreach (var place in tree.Places)
        {
            cases.Append($"        {Quote(place.Path)})\n            commands=({Words(place.Commands.Select(c => (c.Text, c.Description)))})\n");
            cases.Append($"            flags=({Words(place.Flags.SelectMany(f => f.Spellings.Select(s => (s, f.Description))))})\n            ;;\n");
        }
        return $$"""
            #compdef {{name}}
            # Completes {{name}} in zsh:   source <({{name}} completion zsh)
            _{{name}}_at() {
                case "$1" in
            {{cases}}        *) commands=() flags=() ;;
                esac
            }

            _{{name}}() {
                local -a commands flags valued
                local route skip word i
                valued=({{string.Join(' ', tree.Valued)}})
                _{{name}}_at ""
                for ((i = 2; i < CURRENT; i++)); do
                    word=${words[i]}
                    if [[ -n $skip ]]; then
                        skip=""
                    elif [[ $word == -* ]]; then
                        (( ${valued[(Ie)${word//_/-}]} )) && skip=1
                    elif (( ${commands[(I)$word|$word:*]} )); then
                        route="${route:+$route }$word"
                        _{{name}}_at "$route"
                    fi
                done
                if [[ -n $skip ]]; then
                    _files
                elif [[ $PREFIX == -*=* ]]; then
                    compset -P '*='
                    _files
                elif [[ $PREFIX == -* ]]; then
                    _describe -o flag flags
                elif (( $#commands )); then
                    _describe command commands
                else
                    _files
                fi
            }

            if [[ $funcstack[1] == _{{name}} ]]; then
                _{{name}} "$@"
            else
                compdef _{{name}} {{name}}
            fi

            """;
    }

    private static string Words(IEnumerable<(string Text, string Description)> words) =>
        string.Join(' ', words.Select(w => Quote(w.Description.Length == 0 ? w.Text : w.Text.Replace(":", "\\:", StringComparison.Ordinal) + ":" + w.Description)));

    private static string Quote(string text) => "'" + text.Replace("'", "'\\''", StringComparison.Ordinal) + "'";
}
