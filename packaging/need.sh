#!/bin/sh
# Install what packaging/debian-12.txt names for the groups given (build, test, ci) and is missing.
# --check only tells, by exit status. Says what it installs; sudo when not root.
here=$(dirname "$0")
check=
[ "$1" = --check ] && { check=1; shift; }
missing=
while read -r name group _; do
    case "$name" in ''|'#'*) continue ;; esac
    for g in "$@"; do
        [ "$g" = "$group" ] || continue
        dpkg-query -W -f '${Status}' "$name" 2>/dev/null | grep -q 'ok installed' || missing="$missing $name"
    done
done <"$here/debian-12.txt"
[ -z "$missing" ] && exit 0
[ -n "$check" ] && exit 1
if ! command -v apt-get >/dev/null 2>&1; then
    echo "opsdeck needs these Debian 12 packages, or what your system calls them:$missing" >&2
    exit 1
fi
sudo=
if [ "$(id -u)" != 0 ]; then
    if command -v sudo >/dev/null 2>&1; then
        sudo=sudo
    else
        echo "not root and no sudo; as root run: apt-get install$missing" >&2
        exit 1
    fi
fi
echo "installing:$missing"
echo "+ ${sudo:+$sudo }apt-get install -y --no-install-recommends$missing"
export DEBIAN_FRONTEND=noninteractive
$sudo apt-get update -q >/dev/null 2>&1 || echo "apt-get update failed; trying with the lists that are there"
# shellcheck disable=SC2086
$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing >/tmp/opsdeck-apt.$$ 2>&1
status=$?
[ $status = 0 ] || { tail -n 20 /tmp/opsdeck-apt.$$ >&2; echo "apt-get failed; install by hand:$missing" >&2; }
rm -f /tmp/opsdeck-apt.$$
exit $status
