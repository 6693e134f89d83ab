"""For the tests of the aws connector: the strict front, moto's estate, and a home with AWS files and a config."""
import base64
import json
import os
import re
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request

from lib import ROOT, Home

TOOLS = os.path.join(ROOT, "tests/tools")
NEEDS = "boto3, botocore, moto.server, flask_cors, openapi_spec_validator, aws_xray_sdk"


def missing():
    """What is not installed of what moto needs; "" when all is there."""
    r = subprocess.run([sys.executable, "-c", "import " + NEEDS], capture_output=True, text=True)
    return r.stderr.strip().rpartition("\n")[2] if r.returncode else ""


class Child:
    """A server of tests/tools that says PORT n when it is ready and ends with this process."""

    def __init__(self, tool, *args):
        self.err = tempfile.TemporaryFile()
        self.p = subprocess.Popen([sys.executable, os.path.join(TOOLS, tool), "--parent-dies", *args], stdout=subprocess.PIPE, stderr=self.err,
                                  stdin=subprocess.DEVNULL, text=True)
        line = self.p.stdout.readline().split()
        if len(line) != 2 or line[0] != "PORT":
            raise AssertionError("%s did not start: %s" % (tool, self.stderr()[-1500:]))
        self.port = int(line[1])
        self.url = "http://127.0.0.1:%d" % self.port

    def stderr(self):
        self.err.seek(0)
        return self.err.read().decode("utf-8", "replace")

    def stop(self):
        self.p.kill()
        self.p.wait()
        self.p.stdout.close()
        self.err.close()


class Moto(Child):
    """The estate of two accounts; `truth` is what boto3 reads back from it."""

    def __init__(self, *args):
        with tempfile.NamedTemporaryFile("r", suffix=".json") as f:
            super().__init__("aws_estate.py", "--truth", f.name, *args)
            self.truth = json.load(f)


class Front(Child):
    def __init__(self, upstream, *keys):
        """keys: (id, secret[, token]) of account A, or dicts as the control plane takes them."""
        super().__init__("awsfront.py", "--upstream", upstream)
        self.know(*keys)

    def know(self, *keys):
        self.post("/_keys", [k if isinstance(k, dict) else {"id": k[0], "secret": k[1], "token": k[2] if len(k) > 2 else None,
                                                            "account": "123456789012"} for k in keys])

    def post(self, path, doc=None):
        rq = urllib.request.Request(self.url + path, json.dumps({} if doc is None else doc).encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(rq, timeout=20) as r:
            return json.load(r)

    def get(self, path):
        with urllib.request.urlopen(self.url + path, timeout=20) as r:
            return json.load(r)

    def set(self, *rules, **more):
        """Replaces the rules, and empties the log."""
        self.post("/_set", {"rules": list(rules), "skew": 0, "pages": {}, **more})
        self.clear()

    def clear(self):
        self.post("/_log/clear")

    def log(self, operation=None):
        return [r for r in self.get("/_log") if operation in (None, r["operation"])]

    def stats(self):
        return self.get("/_stats")

    def check(self):
        """Nothing was signed wrongly or asked in a way that a service refuses, and the front itself is well."""
        s = self.stats()
        if s["bad_signatures"] or s["bad_inputs"]:
            raise AssertionError("the front refused: %s" % s["why"])
        if "Traceback" in self.stderr():
            raise AssertionError("the front broke: %s" % self.stderr()[-1500:])


def static(name, keys, region="eu-west-2"):
    return "[profile %s]\nregion = %s\naws_access_key_id = %s\naws_secret_access_key = %s\n" % (name, region, *keys[:2]) + (
        "aws_session_token = %s\n" % keys[2] if len(keys) > 2 else "")


def role(name, arn, source_profile, region="eu-west-2"):
    return "[profile %s]\nregion = %s\nrole_arn = %s\nsource_profile = %s\nrole_session_name = opsdeck\n" % (name, region, arn, source_profile)


def source(name, recipe, url, profile, more=""):
    """One entry of `sources:`; more: further lines, indented by four."""
    return ("  - name: %s\n    recipe: %s\n    rate: none\n    every: 5m\n    aws: {profile: %s, endpoint_url: \"%s\", region: eu-west-2}\n%s"
            % (name, recipe, profile, url, more))


def sources(url, profile, *recipes, more="    timeout: 10s\n"):
    """Entries for each (name, recipe[, params])."""
    return [source(r[0], r[1], url, profile, more + ("    params: %s\n" % r[2] if len(r) > 2 else "")) for r in recipes]


class AwsHome(Home):
    """A home whose AWS files are `profiles`, and nothing of this machine's AWS settings."""

    def __init__(self, profiles, *sources):
        super().__init__("sources:\n" + "".join(sources))
        os.mkdir(os.path.join(self.dir, ".aws"), 0o700)
        self.profiles(profiles)
        self.env["AWS_EC2_METADATA_DISABLED"] = "true"
        at = re.search(r'endpoint_url: "([^"]+)"', "".join(sources))
        if at:  # the endpoint of a source is no business of STS and single sign-on
            self.env.update({"AWS_ENDPOINT_URL_" + n: at.group(1) for n in ("STS", "SSO", "SSO_OIDC")})

    def profiles(self, text):
        with open(os.path.join(self.dir, ".aws/config"), "w") as f:
            f.write(text)
        os.chmod(f.name, 0o600)

    def sources(self, *sources):
        self.write("sources:\n" + "".join(sources))

    def poll(self, *args, **kw):
        """(exit code, {source name: its entry})"""
        code, doc = self.json("poll", *args, **kw)
        return code, {s.get("name", s.get("source")): s for s in doc["sources"]}

    def rows(self, kind, source=None):
        code, rows = self.json("list", kind)
        if code not in (0, 3):
            raise AssertionError("list %s: exit %d: %s" % (kind, code, rows))
        return [r for r in rows if source in (None, r["source"])]


def encodings(secret):
    """The forms in which a secret may slip out: raw, base64 at its three offsets, hex, percent-encoded, JSON-escaped, reversed."""
    raw = secret.encode()
    out = {"raw": secret, "hex": raw.hex(), "HEX": raw.hex().upper(), "reversed": secret[::-1], "json": json.dumps(secret)[1:-1],
           "slashes": secret.replace("/", "\\/"), "percent": urllib.parse.quote(secret, safe=""),
           "percent-lower": re.sub("%[0-9A-F]{2}", lambda m: m.group().lower(), urllib.parse.quote(secret, safe=""))}
    for shift in range(3):
        # Only the characters that do not depend on the neighbours.
        text = base64.b64encode(b"\0" * shift + raw).decode().rstrip("=")
        inner = text[(0, 2, 3)[shift]:len(text) - 1]
        out["base64+%d" % shift] = inner
        out["base64url+%d" % shift] = inner.replace("+", "-").replace("/", "_")
    return out


def leaks(secret, data):
    """Names of the encodings of `secret` that the bytes hold."""
    return sorted(name for name, text in encodings(secret).items() if text.encode() in data)
