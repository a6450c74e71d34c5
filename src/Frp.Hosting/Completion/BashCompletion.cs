using System.Text;

namespace Frp.Hosting;

/// <summary>The script for bash, 3.2 and later. Needs nothing but the shell.</summary>
internal static class BashCompletion
{
    internal static string Script(CompletionTree tree)
    {
        string name = tree.Program;
        var cases = new StringBuilder();
        foreach (var place in tree.Places)
        {
            string commands = string.Join(' ', place.Commands.Select(c => c.Text));
            string flags = string.Join(' ', place.Flags.SelectMany(f => f.Spellings));
            cases.Append($"        \"{place.Path}\") commands=\"{commands}\" flags=\"{flags}\" ;;\n");
        }
        // "=" breaks words here: --flag=value is three of them.
        return $$"""
            # Completes {{name}} in bash:   source <({{name}} completion bash)
            _{{name}}_at() {
                case "$1" in
            {{cases}}        *) commands="" flags="" ;;
                esac
            }

            _{{name}}() {
                local cur=${COMP_WORDS[COMP_CWORD]} path="" commands flags skip="" word i
                local valued=" {{string.Join(' ', tree.Valued)}} "
                COMPREPLY=()
                _{{name}}_at ""
                for ((i = 1; i < COMP_CWORD; i++)); do
                    word=${COMP_WORDS[i]}
                    if [[ $word == = ]]; then
                        skip=1
                    elif [[ -n $skip ]]; then
                        skip=""
                    elif [[ $word == -* ]]; then
                        [[ $valued == *" ${word//_/-} "* ]] && skip=1
                    elif [[ " $commands " == *" $word "* ]]; then
                        path="${path:+$path }$word"
                        _{{name}}_at "$path"
                    fi
                done
                if [[ -n $skip || $cur == = ]]; then
                    return # a value: files
                elif [[ $cur == -* ]]; then
                    COMPREPLY=($(compgen -W "$flags" -- "$cur"))
                else
                    COMPREPLY=($(compgen -W "$commands" -- "$cur"))
                fi
            }

            complete -o default -F _{{name}} {{name}}

            """;
    }
}
