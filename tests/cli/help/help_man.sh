# The man page names every command and every option, and groff has nothing to say of it.
diffc help --man >diffc.1
grep '^\.TH' diffc.1 | sed 's/diffc [0-9.]*/diffc VERSION/; s/"2[0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]"/"DATE"/'
grep '^\.SH' diffc.1
for command in $(diffc --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p'); do
    sed -n "/^\.SS $command\$/,/^\.S[HS] /p" diffc.1 | sed '2,${/^\.S[HS] /d}' >section
    test -s section || echo "no section $command"
    diffc "$command" --help | sed -n 's/^  [- ][a-z ][, ] *\(--[a-z][-a-z0-9]*\).*/\1/p' | tee -a all | while read -r option; do
        grep -qF "$(echo "$option" | sed 's/-/\\-/g')\\fR" section || echo "$command: no $option"
    done
done
assert "options are looked for" test "$(wc -l <all)" -gt 50
# No line is a request by mistake, and none is too long for an editor.
grep '^[.'"'"']' diffc.1 | grep -v '^\.\(TH\|SH\|SS\|TP\|PP\|EX\|EE\|br\|\\"\)'
awk "length > 100" diffc.1
diffc help --man | cmp - diffc.1
diffc help --man train
diffc help --
command -v groff >/dev/null || exit 0
groff -man -Tutf8 -ww diffc.1 >page
assert "a page" test -s page
#> .TH DIFFC 1 "DATE" "diffc VERSION" "User Commands"
#> .SH NAME
#> .SH SYNOPSIS
#> .SH DESCRIPTION
#> .SH COMMANDS
#> .SH EXIT STATUS
#> .SH ENVIRONMENT
#> .SH FILES
#2> diffc help: more than one thing is asked for; give one of COMMAND, --man and --completion bash|zsh
#2> Try 'diffc help --help'.
#2> diffc help: nothing is asked for; give one of COMMAND, --man and --completion bash|zsh
#2> Try 'diffc help --help'.
