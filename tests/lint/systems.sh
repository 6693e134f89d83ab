#!/bin/sh
# docs/systems.md is made from the recipes: print what it must be.
B=${B:-build/plain}
OPSDECK_DATA=$PWD; export OPSDECK_DATA
cat <<'H'
# Systems

Made from the recipes (`tests/lint/systems.sh > docs/systems.md`); do not edit.

| recipe | system | connector | every | what its rows are |
|---|---|---|---|---|
H
"$B/opsdeck" recipe list --json | python3 -c '
import json, sys
for r in json.load(sys.stdin):
    print("| %s | %s | %s | %s | %s |" % (r["name"], r["system"], r["connector"], r["every"], r["help"]))'
