#!/usr/bin/env bash
# Runs the test groups named (unit pty integration lint) and ends with "N passed, N failed, N skipped".
# Every test program prints lines "ok NAME", "not ok NAME: why" or "skip NAME: why"; cmocka's own output is translated.
set -u
cd "$(dirname "$0")/.." || exit 1
export B=${B:-build/plain} LC_ALL=C.UTF-8 TZ=UTC
export OPSDECK_DATA=$PWD
unset OPSDECK_NOW NO_COLOR COLORTERM
export ASAN_OPTIONS=${ASAN_OPTIONS:-abort_on_error=0:detect_leaks=1:exitcode=99} UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
passed=0 failed=0 skipped=0
log=$B/test.log
mkdir -p "$B"
: >"$log"

count() { # reads "ok|not ok|skip" lines
    local p f s
    p=$(grep -c '^ok ' "$1") f=$(grep -c '^not ok ' "$1") s=$(grep -c '^skip ' "$1")
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
    grep -E '^(not ok|skip) ' "$1"
    return 0
}

one() { # NAME COMMAND...: a program that prints the lines itself
    local name=$1 out status
    shift
    out=$(mktemp)
    "$@" >"$out" 2>&1 </dev/null
    status=$?
    { echo "== $name (exit $status)"; cat "$out"; } >>"$log"
    if [ $status != 0 ] && ! grep -q '^not ok ' "$out"; then
        echo "not ok $name: exit $status" >>"$out"
        tail -n 25 "$out"
    elif ! grep -qE '^(ok|not ok|skip) ' "$out"; then
        echo "not ok $name: it ran no test" >>"$out"
    elif grep -q '^not ok ' "$out"; then
        grep -v '^ok ' "$out" | head -n 60
    fi
    printf '  %-5s %s (%s)\n' TEST "$name" "$(grep -c '^ok ' "$out")"
    count "$out"
    rm -f "$out"
}

unit() { # a cmocka program: TAP-like output made from its standard report
    local bin=$1 out tap status name=${1#"$B"/tests/}
    out=$(mktemp) tap=$(mktemp)
    CMOCKA_MESSAGE_OUTPUT=STDOUT timeout -k 10 300 "$bin" >"$out" 2>&1 </dev/null
    status=$?
    { echo "== $name (exit $status)"; cat "$out"; } >>"$log"
    sed -nE "s|^\[       OK \] (.*)\$|ok $name \1|p; s|^\[  SKIPPED \] ([^:]*)\$|skip $name \1|p; s|^\[  FAILED  \] ([a-zA-Z0-9_]+)\$|not ok $name \1|p" "$out" | sort -u >"$tap"
    if [ $status != 0 ]; then
        grep -vE '^\[ RUN|^\[       OK' "$out" | head -n 60
        grep -q '^not ok' "$tap" || echo "not ok $name: exit $status" >>"$tap"
    elif ! grep -q '^ok ' "$tap"; then
        echo "not ok $name: it ran no test" >>"$tap"
    fi
    printf '  %-5s %s (%s)\n' TEST "$name" "$(grep -c '^ok ' "$tap")"
    count "$tap"
    rm -f "$out" "$tap"
}

room=
for a in "$@"; do case $a in room=*) room=${a#room=} ;; esac; done
for group in "$@"; do
    case $group in
    unit) for t in tests/unit/${room:-*}/test_*.c; do [ -f "$t" ] && unit "$B/${t%.c}"; done ;;
    pty | integration | lint)
        for t in tests/"$group"/*.test; do [ -x "$t" ] && one "$group/$(basename "$t" .test)" timeout -k 10 300 "$t"; done ;;
    room=*) ;;
    *) echo "unknown group $group"; exit 2 ;;
    esac
done
echo "log: $log"
echo "$passed passed, $failed failed, $skipped skipped" | tee "$B/result.txt"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
