# Bash completes commands, options, words of choices, keys, files and folders as the tables have them.
needs bash
mkdir folder && : >file.json
diffc help --completion bash >diffc.bash
cat >try.bash <<'SCRIPT'
source ./diffc.bash
complete -p diffc
try() { # WORDS as bash cuts them, the last is the one to complete
    COMP_WORDS=("$@")
    COMP_CWORD=$(($# - 1))
    COMPREPLY=()
    _diffc
    echo "$* -> ${COMPREPLY[*]}"
}
try diffc s
try diffc help --completion ''
try diffc help sam
try diffc sample --sam
try diffc sample --sampler d
try diffc sample --sampler = dpm
try diffc sample --spacing k
try diffc sample --no-c
try diffc sample -o fi
try diffc sample --out-dir f
try diffc sample --count ''
try diffc sample --seed 3 --fra
try diffc nll --protocol ''
try diffc nll f
try diffc train f
try diffc train --set train.l
try diffc train --set method.type = ''
try diffc train --set = data.toy = r
try diffc train --set model.class_conditional = t
try diffc eval --par
try diffc nothing --x
SCRIPT
bash --norc try.bash
# Every option of every command, and nothing else.
cat >all.bash <<'SCRIPT'
source ./diffc.bash
for command in $_diffc_commands; do
    COMP_WORDS=(diffc $command --)
    COMP_CWORD=2
    COMPREPLY=()
    _diffc
    printf '%s\n' "${COMPREPLY[@]}" | sort -u >offered
    diffc $command --help | sed -n 's/^  [- ][a-z ][, ] *\(--.*\)/\1/p' | sed 's/   .*//' | grep -oE -e '--[a-z][-a-z0-9]*' | sort -u >known
    cmp offered known || diff offered known
done
SCRIPT
bash --norc all.bash
#> complete -F _diffc diffc
#> diffc s -> sample
#> diffc help --completion  -> bash zsh
#> diffc help sam -> sample
#> diffc sample --sam -> --sampler
#> diffc sample --sampler d -> ddpm ddim dpm++2m
#> diffc sample --sampler = dpm -> dpm++2m
#> diffc sample --spacing k -> karras
#> diffc sample --no-c -> --no-clip
#> diffc sample -o fi -> file.json
#> diffc sample --out-dir f -> folder
#> diffc sample --count  -> 
#> diffc sample --seed 3 --fra -> --frames
#> diffc nll --protocol  -> bound ode exact
#> diffc nll f -> file.json folder
#> diffc train f -> file.json folder
#> diffc train --set train.l -> train.label_dropout= train.lr= train.log_every=
#> diffc train --set method.type =  -> ddpm eddpm cdm smld sde
#> diffc train --set = data.toy = r -> ring
#> diffc train --set model.class_conditional = t -> true
#> diffc eval --par -> --part
#> diffc nothing --x -> 
