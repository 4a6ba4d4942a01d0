# Completion of dagy for bash. Load it with: source <(dagy completion bash)

_dagy() {
    local candidate description
    COMPREPLY=()
    while IFS=$'\t' read -r candidate description; do
        if [[ $candidate == ":files" ]]; then
            compopt -o default
            return
        fi
        COMPREPLY+=("$candidate")
    done < <("$1" __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}

complete -F _dagy dagy
