# Completion of dagy for fish. Load it with: dagy completion fish | source

function __dagy_complete
    set -l words (commandline --tokenize --cut-at-cursor --current-process)
    set -l current (commandline --current-token --cut-at-cursor)
    set -l candidates (command $words[1] __complete $words[2..-1] "$current" 2>/dev/null)
    if contains -- :files $candidates
        __fish_complete_path "$current"
    else
        printf '%s\n' $candidates
    end
end

complete --command dagy --no-files --arguments '(__dagy_complete)'
