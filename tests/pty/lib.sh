# Shared by the pty tests: a home of its own, and one test a script on standard input of `pt`.
set -u
PT=$B/tests/pty/ptyterm
TMP=$(mktemp -d)
trap 'rm -rf "$TMP"; [ -z "${SERVER:-}" ] || { kill "$SERVER"; sleep 0.3; kill -9 "$SERVER"; } 2>/dev/null' EXIT
export HOME=$TMP XDG_RUNTIME_DIR=$TMP TERM=${TERM_FOR_TEST:-xterm-256color} LC_ALL=C.UTF-8 TZ=UTC OPSDECK_ETC=$TMP/etc
unset XDG_CONFIG_HOME XDG_STATE_HOME NO_COLOR COLORTERM TMUX
FAILED=0
ok() { echo "ok $1"; }
bad() { echo "not ok $1: ${2:-see above}"; FAILED=1; }
# pt NAME ROWS COLS COMMAND...: the script comes on standard input
pt() {
    local name=$1 rows=$2 cols=$3 out
    shift 3
    cat >"$TMP/script"
    if out=$("$PT" "$rows" "$cols" "$TMP/script" "$@" 2>&1); then ok "$name"; else echo "$out"; bad "$name"; fi
}
