#!/usr/bin/env bash
# What the program can do must stand in the docs: commands, options, keys of the config, actions, recipes.
set -u
cd "$(dirname "$0")/../.." || exit 1
B=${B:-build/plain}
ops=$B/opsdeck
export OPSDECK_DATA=$PWD HOME=${HOME:-/root}
bad=0 n=0
need() { # FILE WORD WHAT
    n=$((n + 1))
    grep -qF -- "$2" "$1" || { echo "$1 lacks the $3 $2"; bad=1; }
}
for w in $("$ops" help | sed -nE 's/^  opsdeck ([a-z]+) .*/\1/p'); do need docs/commands.md "opsdeck $w" command; done
for w in $(for c in "" poll list changes query config recipe; do "$ops" $c --help; done | sed -nE 's/^  (--[a-z-]+).*/\1/p' | sort -u); do need docs/commands.md "$w" option; done
for w in $("$ops" config explain --csv | tail -n +2 | cut -d, -f1 | tr -d '"'); do need docs/config.md "\`$w\`" "config key"; done
for w in $("$ops" recipe list --csv | tail -n +2 | cut -d, -f1 | tr -d '"'); do need docs/systems.md "$w" recipe; done
for w in $(sed -nE 's/^ +X\([A-Z0-9_]+, *"([a-z0-9-]+)".*/\1/p' src/ui/actions.h include/opsdeck/ui/*.h 2>/dev/null | sort -u); do
    case $w in text | dim | title | border | selection | mark | header | ok | info | warn | crit | unknown | stale | added | changed | removed | link | prompt | error) continue ;; esac
    need docs/keys.md "$w" action
done
for f in config/panes/*.yaml; do need docs/panes.md "$(basename "$f" .yaml)" pane; done
for pair in systems.sh:systems.md configdoc.sh:config.md; do
    n=$((n + 1))
    tests/lint/"${pair%%:*}" | cmp -s - docs/"${pair##*:}" || { echo "docs/${pair##*:} is not what tests/lint/${pair%%:*} prints"; bad=1; }
done
n=$((n + 1))
tmp=$(mktemp -d)
"$ops" --config "$tmp/c.yaml" config init >/dev/null && cmp -s "$tmp/c.yaml" config/config.yaml || { echo "config/config.yaml is not what opsdeck config init writes"; bad=1; }
rm -rf "$tmp"
[ "$n" -gt 40 ] || { echo "only $n things looked for: the check is broken"; bad=1; }
[ $bad = 0 ] && echo "docs: $n commands, options, keys, actions, panes and recipes are described"
exit $bad
