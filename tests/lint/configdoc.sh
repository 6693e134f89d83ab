#!/bin/sh
# docs/config.md is made from the key table: print what it must be.
B=${B:-build/plain}
OPSDECK_DATA=$PWD; export OPSDECK_DATA
cat <<'H'
# Configuration

Made from the key table (`tests/lint/configdoc.sh > docs/config.md`); do not edit.

`$XDG_CONFIG_HOME/opsdeck/config.yaml` over `/etc/opsdeck/config.yaml`; flags over `OPSDECK_<SECTION>_<KEY>` over files; what
`locked:` in /etc names cannot be overridden. `opsdeck config init` writes a commented file, `config check` tells every mistake
with its place, `config dump` where each value comes from. Durations and sizes carry units. Secrets are never written in
the file: `token_env`, `token_file` (mode 0600) or `token_cmd: [argv]`.

| key | type | default | limits | changed by | help |
|---|---|---|---|---|---|
H
"$B/opsdeck" config explain --json | python3 -c '
import json, sys
cell = lambda s: str(s if s is not None else "").replace("|", "\\|").replace("\n", " ")
for r in json.load(sys.stdin):
    print("| `%s` | %s | %s | %s | %s | %s |" % tuple(cell(r[k]) for k in ("key", "type", "default", "limits", "reload", "help")))'
