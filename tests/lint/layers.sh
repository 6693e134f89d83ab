#!/usr/bin/env bash
# Every #include of src/ and include/ against layers.txt, and library headers against the one room that may see them.
set -u
cd "$(dirname "$0")/../.." || exit 1
bad=0 seen=0
declare -A allowed
while IFS=: read -r room list; do
    case $room in ''|'#'*) continue ;; esac
    allowed[$room]=" base $room $list "
done <tests/lint/layers.txt

# Of store, the upper rooms see a port each: ui the queries, poll the ingest.
port_ok() { # ROOM HEADER
    case $1:$2 in
    ui:opsdeck/store/query.h | poll:opsdeck/store/ingest.h | poll:opsdeck/store/sandbox.h | app:* ) return 0 ;;
    ui:opsdeck/store/* | poll:opsdeck/store/*) return 1 ;;
    esac
    return 0
}
while IFS=: read -r file line text; do
    seen=$((seen + 1))
    room=$(echo "$file" | sed -E 's#^src/main\.c$#main#; s#^src/([a-z]+)/.*#\1#; s#^include/opsdeck/([a-z]+)/.*#\1#')
    inc=$(echo "$text" | sed -E 's/.*[<"]([^">]+)[">].*/\1/')
    case $inc in
    opsdeck/*)
        other=$(echo "$inc" | cut -d/ -f2)
        case ${allowed[$room]:-} in
        *" $other "*) port_ok "$room" "$inc" || { echo "$file:$line: $room must not see $inc: another port of store"; bad=1; } ;;
        *) echo "$file:$line: $room must not include $inc"; bad=1 ;;
        esac ;;
    curses.h | ncurses*.h | term.h) [ "$file" = src/ui/term.c ] || { echo "$file:$line: only src/ui/term.c may include $inc"; bad=1; } ;;
    curl/*) [ "$room" = net ] || { echo "$file:$line: only net may include $inc"; bad=1; } ;;
    sqlite3.h) [ "$room" = store ] || { echo "$file:$line: only store may include $inc"; bad=1; } ;;
    libfyaml.h) [ "$room" = config ] || { echo "$file:$line: only config may include $inc"; bad=1; } ;;
    microhttpd.h) [ "$room" = sim ] || { echo "$file:$line: only sim may include $inc"; bad=1; } ;;
    esac
done < <(grep -rnE '^[[:space:]]*#[[:space:]]*include' src include --include='*.c' --include='*.h')

# Functions with a better one of ours, and calls that would block the loop.
banned='\b(strcpy|strcat|sprintf|vsprintf|strncpy|strtok|atoi|atol|atof|gmtime|localtime|asctime|ctime|system|popen|tmpnam|curl_easy_perform|getaddrinfo|sleep|usleep)[[:space:]]*\('
if found=$(grep -rnE "$banned" src --include='*.c' --include='*.h' | grep -vE ':[0-9]+:[[:space:]]*(/?\*|//)'); then
    echo "$found" | sed 's/^/banned: /'
    bad=1
fi
[ "$seen" -gt 50 ] || { echo "only $seen includes seen: the check is broken"; bad=1; }
[ $bad = 0 ] && echo "layers: $seen includes in order"
exit $bad
