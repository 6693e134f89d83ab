#!/usr/bin/env python3
"""store_fixture.py BUILD_DIR OUT_DIR: let the opsdeck and opsdeck-sim of BUILD_DIR (any version, also one checked out elsewhere) write a store
as people have it (repositories, a blue/green release, changes, a failing source, a step that fails, a source that was taken out), and record
what that version says of it. OUT_DIR gets opsdeck.db.gz and answers.json.gz: the arguments, OPSDECK_NOW, exit status and document of each question.
Times are those of the making, so that a new run gives another store; the questions carry their moments with them."""
import datetime
import gzip
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time

BUILD, OUT = (os.path.abspath(p) for p in sys.argv[1:3])
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
DATA = os.path.dirname(os.path.dirname(BUILD))  # config/ of that version
KEYS = {"tools": ("AKIDDEMOMGMT00000001", "demo-secret-of-the-management-account-01"),
        "prod": ("AKIDDEMOPROD00000001", "demo-secret-of-the-production-account-01")}
LOCKS = ("lock_table: nhsd-texasplatform-terraform-service-state-lock-texas-lk8s-prod,"
         " state_bucket: nhsd-texasplatform-terraform-service-state-store-lk8s-prod")
EXPORT = '[{"name":"%s","stored_at":"21-11-2026 02:04:43","data":{"name":"%s","is_private":false,"status":%s,"report":{"has_license":%s}}}]'


class Sim:
    def __init__(self, at):
        self.p = subprocess.Popen([BUILD + "/opsdeck-sim", "--with-parent", "--once-ready", "--repositories", "20", "--at", at],
                                  stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True)
        self.url = self.p.stdout.readline().split()[-1]

    def stop(self):
        self.p.kill()
        self.p.wait()


class Estate:
    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="opsdeck-fixture-")
        os.mkdir(self.dir + "/.aws", 0o700)
        with open(self.dir + "/.aws/config", "w") as f:
            for name, keys in KEYS.items():
                f.write("[profile %s]\nregion = eu-west-2\naws_access_key_id = %s\naws_secret_access_key = %s\n" % (name, *keys))
        os.chmod(self.dir + "/.aws/config", 0o600)
        self.env = {"HOME": self.dir, "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "TZ": "UTC", "OPSDECK_DATA": DATA, "OPSDECK_ETC": self.dir + "/etc",
                    "AWS_EC2_METADATA_DISABLED": "true"}

    def config(self, url, more=""):
        aws = 'aws: {profile: %s, endpoint_url: "' + url + '"}'
        with open(self.dir + "/config.yaml", "w") as f:
            f.write("sources:\n"
                    "  - {name: reports, recipe: moj-reports, url: \"%s\", every: 5m, params: {discover: true}, labels: {team: platform}}\n"
                    "  - {name: export, recipe: repository-standards-file, path: ./export.json, labels: {env: live}}\n" % url
                    + "  - {name: dos-prod, recipe: dos-bluegreen, every: 1m, %s, labels: {env: live}, params: {%s}}\n" % (aws % "prod", LOCKS)
                    + "  - {name: dos-tools, recipe: dos-bluegreen-tools, every: 1m, %s}\n" % (aws % "tools")
                    + "  - {name: gone, recipe: moj-reports, url: \"http://127.0.0.1:9\", every: 1m, timeout: 2s}\n"
                    + "  - {name: logs, recipe: logs-query, %s}\n" % (aws % "prod") + more)
        os.chmod(self.dir + "/config.yaml", 0o600)

    def export(self, name, verdict):
        with open(self.dir + "/export.json", "w") as f:
            f.write(EXPORT % (name, name, verdict, verdict))

    def run(self, *args, now=None, store=None):
        return subprocess.run([BUILD + "/opsdeck", "--config", self.dir + "/config.yaml", "--store", store or self.dir + "/store", *args],
                              env={**self.env, **({"OPSDECK_NOW": now} if now else {})}, capture_output=True, timeout=300, stdin=subprocess.DEVNULL)

    def poll(self, at, *args, more=""):
        sim = Sim(at)
        self.config(sim.url, more)
        r = self.run("poll", "--json", *args)
        print(at, r.returncode, [(s["name"], s["outcome"], s["rows"]) for s in json.loads(r.stdout)["sources"]])
        sim.stop()


def utc(t):
    return datetime.datetime.fromtimestamp(t, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def make(e):
    """Four polls of a release, with what changed between them; the moment after each."""
    moments = []
    extra = "  - {name: old, recipe: repository-standards-file, path: ./export.json}\n"
    for at, name, verdict, more in (("before", "app", "true", extra), ("gap", "app", "false", ""), ("linked", "lib", "true", ""), ("V8", "lib", "true", "")):
        e.export(name, verdict)
        e.poll(at, more=more)
        time.sleep(1.5)
        moments.append(int(time.time()))
        time.sleep(1.5)
    return moments


def questions(e, moments):
    """[args, now]: what people ask, now and of the past."""
    now = utc(moments[-1] + 30)
    fixed = [["list", "repository", "--json"], ["list", "bg-link", "--json"], ["changes", "--since", "30m", "--json"], ["query", "SELECT json FROM bluegreen ORDER BY shared_env", "--json"], ["status", "--json"],
             ["show", "export/repository:lib", "--json"], ["show", "export/repository:app", "--json"],
             ["query", "SELECT name, state, error_code, error, rows FROM source_state", "--json"],
             ["query", "SELECT source, kind, key, valid_from, valid_to, status, last, cause FROM version ORDER BY 1, 2, 3, 4", "--json"],
             ["query", "SELECT source, step, from_ms, to_ms FROM observed ORDER BY 1, 2, 3", "--json"]]
    past = [["--at", utc(m), *q] for m in moments[:-1] for q in (["list", "repository", "--json"], ["bluegreen", "--json"], ["changes", "--since", "30m", "--json"])]
    return [(q, now) for q in fixed + past] + [(["list", "repository", "--json"], utc(moments[-1] + 3600))]


def pack(name, data):
    with open(os.path.join(OUT, name), "wb") as out, gzip.GzipFile("", "wb", 9, out, 0) as z:
        z.write(data)


def save(e, moments):
    os.makedirs(OUT, exist_ok=True)
    db = sqlite3.connect(e.dir + "/store/opsdeck.db")
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.execute("VACUUM")
    db.close()
    with open(e.dir + "/store/opsdeck.db", "rb") as f:
        pack("opsdeck.db.gz", f.read())
    answers = []
    for args, now in questions(e, moments):
        r = e.run(*args, now=now)
        answers.append({"args": args, "now": now, "exit": r.returncode, "says": json.loads(r.stdout)})
    pack("answers.json.gz", ("[\n" + ",\n".join(json.dumps(a, ensure_ascii=False) for a in answers) + "\n]\n").encode())
    print({n: os.path.getsize(OUT + "/" + n) for n in os.listdir(OUT)})


if __name__ == "__main__":
    estate = Estate()
    save(estate, make(estate))
    shutil.rmtree(estate.dir)
