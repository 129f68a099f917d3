#!/bin/sh
# Puts the program, the library and its header where they are found, or removes them there.
# usage: install.sh install|uninstall OUT PREFIX DESTDIR, with SHARED (the shared library) and OPENMP_LIBS set
case $1 in install | uninstall) ;; *) sed -n 's/^# usage: //p' "$0" >&2; exit 2 ;; esac
command=$1
out=$2
prefix=$3
destdir=$4
root=$destdir$prefix
shared=${SHARED:?}
case $shared in # the name by which programs are linked to it
*.dylib) plain_name=libdiffc.dylib ;;
*) plain_name=libdiffc.so ;;
esac
fail() { # CAUSE WHAT INSTEAD
    echo "$1" >&2
    echo "$2; run 'sudo make $command', or $3: make $command PREFIX=\$HOME/.local" >&2
    exit 1
}
pkg_config() { # what `pkg-config --cflags --libs [--static] diffc` answers with
    version=$(sed -n 's/^#define DIFFC_VERSION "\(.*\)"/\1/p' include/diffc.h)
    cat <<END
prefix=$prefix
libdir=\${prefix}/lib
includedir=\${prefix}/include

Name: diffc
Description: Images from small diffusion models, on a CPU
Version: $version
Cflags: -I\${includedir}
Libs: -L\${libdir} -ldiffc
Requires.private: libcjson zlib
Libs.private: $OPENMP_LIBS -ldl -lm
END
}
put() { # MODE SOURCE TARGET
    cause=$({ mkdir -p "$(dirname "$root/$3")" && install -m "$1" "$2" "$root/$3"; } 2>&1) ||
        fail "$cause" "$root/$3 cannot be written" "choose a folder of your own"
    echo "installed $root/$3"
}
# The man page and the completions, which the program itself writes where it was built for this machine.
manual=share/man/man1/diffc.1
bash_words=share/bash-completion/completions/diffc
zsh_words=share/zsh/site-functions/_diffc
install_help() {
    if ! { "$out/diffc" help --man >"$out/diffc.1" && "$out/diffc" help --completion bash >"$out/diffc.bash" &&
        "$out/diffc" help --completion zsh >"$out/diffc.zsh"; } 2>/dev/null; then
        echo "no man page and no completions: the program does not run on this machine, and it writes them"
        return
    fi
    put 644 "$out/diffc.1" "$manual"
    put 644 "$out/diffc.bash" "$bash_words"
    put 644 "$out/diffc.zsh" "$zsh_words"
}
install_all() {
    put 755 "$out/diffc" bin/diffc
    put 644 include/diffc.h include/diffc.h
    put 644 "$out/libdiffc.a" lib/libdiffc.a
    put 755 "$out/$shared" "lib/$shared"
    ln -sf "$shared" "$root/lib/$plain_name" || exit 1
    pkg_config >"$out/diffc.pc" && put 644 "$out/diffc.pc" lib/pkgconfig/diffc.pc
    install_help
    [ -n "$destdir" ] || ldconfig 2>/dev/null || : # so that programs find it at once, where that is allowed
}
uninstall_all() {
    for file in bin/diffc include/diffc.h lib/libdiffc.a "lib/$plain_name" "lib/$shared" lib/pkgconfig/diffc.pc \
        "$manual" "$bash_words" "$zsh_words"; do
        if [ ! -e "$root/$file" ] && [ ! -L "$root/$file" ]; then
            echo "$root/$file is not there"
            continue
        fi
        cause=$(rm -f "$root/$file" 2>&1) ||
            fail "$cause" "$root/$file cannot be removed" "give the PREFIX of the installation"
        echo "removed $root/$file"
    done
}
"${command}_all"
