# Zsh completes commands, options, words of choices, keys, files and folders; the file serves as _diffc in fpath and
# when it is sourced.
needs zsh
mkdir functions folder && : >file.json
diffc help --completion zsh >functions/_diffc
zsh -n functions/_diffc || echo "does not parse"
grep -o "'[1*]:*\(PATH\|RUN\|COMMAND\)[^']*'" functions/_diffc # words that may be left out, without their brackets
cat >.zshrc <<'SCRIPT'
autoload -Uz compinit
if [[ -n $SOURCED ]]; then
    compinit -u -D
    source functions/_diffc
else
    fpath=($PWD/functions $fpath)
    compinit -u -D
fi
# One key puts all that may stand there into the line, another writes the line to a file.
complete-all() { compstate[insert]=all; _main_complete; compstate[list]=; compstate[insert]=all }
zle -C complete-all complete-word complete-all
write-line() { print -r -- "$BUFFER" >>lines; BUFFER= }
zle -N write-line
bindkey '^B' complete-all
bindkey '^T' write-line
SCRIPT
cat >try.zsh <<'SCRIPT'
zmodload zsh/zpty
zpty shell "ZDOTDIR=$PWD zsh -i"
# Keys that come before the shell is ready are lost: until a line is written they are sent again.
answer() { # KEYS
    local written=$(wc -l <lines) tries output
    for ((tries = 0; tries < 200; tries++)); do
        ((tries % 40)) || zpty -w -n shell $'\C-U'"$1"
        zpty -rt shell output >/dev/null 2>&1
        (($(wc -l <lines) > written)) && return
        sleep 0.1
    done
    print "no answer to ${(V)1}"
}
: >lines
answer $'\C-T'
: >lines
while read -r line; do answer "$line"$'\C-B\C-T'; done
zpty -d shell
cat lines
SCRIPT
zsh -f try.zsh <<'END'
diffc sam
diffc sample --sampler d
diffc sample --sampler=lang
diffc sample --spac
diffc sample --no-c
diffc sample --out-dir f
diffc help sam
diffc info fil
diffc train --set method.t
diffc train --set method.type=d
diffc train --set=data.toy=r
END
SOURCED=yes zsh -f try.zsh <<'END'
diffc nll --protocol b
END
#> '1::PATH:_files'
#> '*:RUN...:_files'
#> '1::COMMAND:_diffc_commands'
#> diffc sample 
#> diffc sample --sampler ddim ddpm dpm++2m 
#> diffc sample --sampler=langevin 
#> diffc sample --spacing=
#> diffc sample --no-clip 
#> diffc sample --out-dir folder functions/
#> diffc help sample 
#> diffc info file.json 
#> diffc train --set method.time_min= method.times= method.type=
#> diffc train --set method.type=ddpm 
#> diffc train --set=data.toy=ring 
#> diffc nll --protocol bound 
