#!/bin/sh
# install.sh install|uninstall DESTDIR PREFIX VERSION: puts files and removes exactly those again.
set -eu
what=$1 dest=$2 prefix=$3 version=$4
root=$dest$prefix
share=$root/share/opsdeck
manifest=$share/.installed
put() { # MODE FILE TARGET
    mkdir -p "$(dirname "$root/$3")"
    install -m "$1" "$2" "$root/$3"
    echo "$3" >>"$manifest.new"
}
if [ "$what" = install ]; then
    mkdir -p "$share"
    : >"$manifest.new"
    put 755 opsdeck bin/opsdeck
    put 755 opsdeck-sim bin/opsdeck-sim
    for d in recipes panes keymaps runbooks demo demo/answers; do
        for f in config/$d/*; do
            [ -f "$f" ] && put 644 "$f" "share/opsdeck/$d/$(basename "$f")"
        done
    done
    for f in themes/*.yaml; do put 644 "$f" "share/opsdeck/$f"; done
    put 644 config/config.yaml share/doc/opsdeck/config.yaml.example
    put 644 README.md share/doc/opsdeck/README.md
    put 644 packaging/opsdeck-collect.service lib/systemd/user/opsdeck-collect.service
    ./opsdeck man >"$manifest.man"
    put 644 "$manifest.man" share/man/man1/opsdeck.1
    rm -f "$manifest.man"
    for s in bash fish zsh; do
        ./opsdeck completion $s >"$manifest.c"
        case $s in
        bash) put 644 "$manifest.c" share/bash-completion/completions/opsdeck ;;
        fish) put 644 "$manifest.c" share/fish/vendor_completions.d/opsdeck.fish ;;
        zsh) put 644 "$manifest.c" share/zsh/site-functions/_opsdeck ;;
        esac
        rm -f "$manifest.c"
    done
    mv "$manifest.new" "$manifest"
    echo "installed opsdeck $version: $(wc -l <"$manifest") files below $root"
else
    [ -f "$manifest" ] || { echo "nothing is installed below $root (no $manifest)"; exit 1; }
    n=0
    while read -r f; do
        rm -f "$root/$f"
        # Empty folders go too, but none above the prefix.
        (cd "$root" && rmdir -p --ignore-fail-on-non-empty "$(dirname "$f")" 2>/dev/null) || true
        n=$((n + 1))
    done <"$manifest"
    rm -f "$manifest"
    (cd "$root" && rmdir -p --ignore-fail-on-non-empty share/opsdeck 2>/dev/null) || true
    echo "removed $n files below $root"
fi
