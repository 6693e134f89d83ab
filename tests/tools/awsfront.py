#!/usr/bin/env python3
"""A strict front before an AWS emulator, for tests: botocore's own signer checks every request before it goes on.

  awsfront.py --upstream http://127.0.0.1:PORT [--port N] [--parent-dies]
prints "PORT n" once it listens on 127.0.0.1. The control plane is below /_ and unsigned; everything there is JSON.

  POST /_keys   {"id", "secret", "token": null, "account", "arn": null} or a list of them: keys it knows. Those that
                AssumeRole and its like hand out are learned when the answer passes.
  POST /_set    {"rules": [RULE, ...], "skew": SECONDS, "pages": {"lambda.ListFunctions": 50, ...}}; each replaces what
                was set; keys that were expired are good again when rules are set.
     RULE       {"do": NAME, "service", "operation", "key", "account": what it matches (fnmatch; absent: all),
                "nth": 1 (the first matching request that it acts on), "times": 0 (then so often; 0: for ever), ...}
     throttle   "code", "status", "retry_after" (s), "retry_after_ms"     deny   "resource"
     expire     the key of that request is worth nothing from now on      slow   "ms" for each "bytes" of the body
     truncate   "keep" bytes of the body (half), Content-Length whole     html502, empty500, drop
     replace    "old" -> "new" in the body (Content-Length follows)
     answer     "body" (JSON or text), "status", in the emulator's place
  POST /_canned {"/path": {"status", "headers", "body", "need": {header: value}}}: unsigned answers (IMDS, containers, SSO)
  GET  /_log    a list, one entry a request        POST /_log/clear
  GET  /_stats  {"requests", "bad_signatures", "bad_inputs", "skewed", "codes", "operations", "why"}
"""
import argparse
import calendar
import email.utils
import fnmatch
import hashlib
import html
import http.client
import json
import os
import re
import socket
import sys
import threading
import time
import urllib.parse

import botocore.auth
import botocore.awsrequest
import botocore.credentials

import awswire

WINDOW_S = 15 * 60
HOP = {"connection", "keep-alive", "transfer-encoding", "expect", "te", "upgrade", "proxy-connection"}
AUTHORIZATION = re.compile(r"AWS4-HMAC-SHA256 Credential=([^/, ]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request, ?"
                           r"SignedHeaders=([^, ]+), ?Signature=([0-9a-f]{64})$")


class Hangup(Exception):
    """The answer is over, and so is the connection."""


class Refused(Exception):
    def __init__(self, meaning, text, code=None, status=None, headers=()):
        super().__init__(text)
        self.meaning, self.text, self.code, self.status, self.headers = meaning, text, code, status, list(headers)


class Request:
    def __init__(self, method, target, headers, body):
        self.method, self.target, self.headers, self.body = method, target, headers, body

    def header(self, name, default=""):
        return next((v for k, v in self.headers if k.lower() == name.lower()), default)


class Answer:
    def __init__(self, status, headers, body, reason=None):
        self.status, self.headers, self.body = status, headers, body
        self.reason = reason or http.client.responses.get(status, "X")


def json_answer(doc, status=200):
    return Answer(status, [("Content-Type", "application/json")], json.dumps(doc).encode())


# ---------------------------------------------------------------- the signature
def parse_authorization(rq):
    text = rq.header("Authorization")
    if not text:
        raise Refused("unsigned", "Request is missing Authentication Token")
    m = AUTHORIZATION.match(text)
    if not m:
        raise Refused("signature", "Authorization header is not a complete AWS4-HMAC-SHA256 one")
    return m.groups()


def check_signed_set(rq, signed):
    """A service signs at least host and every x-amz-* that is sent; content-type too when it is there."""
    names = signed.split(";")
    if names != sorted(set(names)) or signed != signed.lower():
        raise Refused("signature", "SignedHeaders are not sorted lower-case names")
    sent = {k.lower() for k, _ in rq.headers}
    need = {"host"} | {n for n in sent if n.startswith("x-amz-") and n != "x-amzn-trace-id"} | ({"content-type"} & sent)
    if need - set(names):
        raise Refused("signature", "headers sent but not signed: %s" % ", ".join(sorted(need - set(names))))
    if set(names) - sent:
        raise Refused("signature", "headers signed but not sent: %s" % ", ".join(sorted(set(names) - sent)))


def check_payload(rq, service):
    """The hash in the header must be the body's: a real service reads the body."""
    given, real = rq.header("X-Amz-Content-SHA256", None), hashlib.sha256(rq.body).hexdigest()
    if given is None and service == "s3":
        raise Refused("signature", "Missing required header for this request: x-amz-content-sha256")
    if given is not None and given != real:
        raise Refused("signature", "The provided 'x-amz-content-sha256' header does not match what was computed.")


def expected_signature(rq, key, date, region, service, signed):
    """What botocore's signer says about the request as it came."""
    credentials = botocore.credentials.Credentials(key["id"], key["secret"], key.get("token"))
    cls = botocore.auth.S3SigV4Auth if service == "s3" else botocore.auth.SigV4Auth
    signer = cls(credentials, service, region)
    url = "http://" + rq.header("Host") + rq.target
    ar = botocore.awsrequest.AWSRequest(method=rq.method, url=url, data=rq.body)
    for k, v in rq.headers:
        if k.lower() in signed.split(";"):
            ar.headers.add_header(k, v)
    ar.context["timestamp"] = rq.header("X-Amz-Date")
    canonical = signer.canonical_request(ar)
    return signer.signature(signer.string_to_sign(ar, canonical), ar), canonical


def check_stamp(rq, date, now):
    stamp = rq.header("X-Amz-Date")
    try:
        at = calendar.timegm(time.strptime(stamp, "%Y%m%dT%H%M%SZ"))
    except ValueError:
        raise Refused("signature", "Date must be in ISO-8601 'basic format'. Got '%s'." % stamp) from None
    if stamp[:8] != date:
        raise Refused("signature", "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP")
    fmt = lambda t: time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(t))  # noqa: E731
    if at < now - WINDOW_S:
        raise Refused("stamp", "Signature expired: %s is now earlier than %s (%s - 15 min.)" % (stamp, fmt(now - WINDOW_S), fmt(now)))
    if at > now + WINDOW_S:
        raise Refused("stamp", "Signature not yet current: %s is still later than %s (%s + 15 min.)" % (stamp, fmt(now + WINDOW_S), fmt(now)))


# ---------------------------------------------------------------- the front
class Front:
    def __init__(self, args):
        self.args, self.lock = args, threading.Lock()
        self.upstream = urllib.parse.urlsplit(args.upstream)
        self.keys, self.expired, self.rules, self.pages, self.canned, self.skew = {}, set(), [], {}, {}, 0
        self.log, self.why = [], []

    def now(self):
        return time.time() + self.skew

    # -- control plane
    def control(self, rq):
        doc = json.loads(rq.body) if rq.body else {}
        with self.lock:
            if rq.target == "/_keys":
                for k in doc if isinstance(doc, list) else [doc]:
                    self.keys[k["id"]] = k
            elif rq.target == "/_set":
                if "rules" in doc:
                    self.rules, self.expired = [dict(r, seen=0) for r in doc["rules"]], set()
                self.skew, self.pages = doc.get("skew", self.skew), doc.get("pages", self.pages)
            elif rq.target == "/_canned":
                self.canned = doc
            elif rq.target == "/_log/clear":
                self.log, self.why = [], []
            elif rq.target == "/_log":
                return json_answer(self.log)
            elif rq.target == "/_stats":
                return json_answer(self.stats())
            else:
                return json_answer({"error": "no such control"}, 404)
        return json_answer({})

    def stats(self):
        count = lambda key: {v: sum(1 for r in self.log if r[key] == v) for v in {r[key] for r in self.log}}  # noqa: E731
        faults = count("fault")
        return {"requests": len(self.log), "bad_signatures": sum(not r["ok"] for r in self.log), "skewed": faults.get("stamp", 0),
                "bad_inputs": faults.get("input", 0) + faults.get("operation", 0), "codes": count("code"),
                "operations": count("name"), "why": self.why[:20]}

    # -- one request
    def verify(self, rq, entry):
        """Fills `entry`; raises Refused. The order is a service's: who, when, what."""
        kid, date, region, service, signed, signature = parse_authorization(rq)
        entry.update(key=kid, region=region)
        key = self.keys.get(kid)
        if not key:
            raise Refused("unknown-key", "The security token included in the request is invalid.")
        entry.update(account=key.get("account", ""))
        check_stamp(rq, date, self.now())
        if (rq.header("X-Amz-Security-Token") or None) != (key.get("token") or None):
            raise Refused("unknown-key", "The security token included in the request is invalid.")
        if service in awswire.GLOBAL and region != "us-east-1":
            raise Refused("signature", "Credential should be scoped to a valid region.")
        check_signed_set(rq, signed)
        check_payload(rq, service)
        want, canonical = expected_signature(rq, key, date, region, service, signed)
        if want != signature:
            raise Refused("signature", "The request signature we calculated does not match the signature you provided. Check your key "
                          "and signing method. The Canonical String for this request should have been '%s'" % canonical)
        return key

    def judge(self, rq, call, entry):
        """The rule that acts on this request, None; raises Refused."""
        key = {}
        if call.operation not in awswire.UNSIGNED:
            try:
                key = self.verify(rq, entry)
            except Refused as e:
                entry["ok"] = e.meaning == "stamp"
                raise
        rule = self.rule_for(entry)
        do = rule and rule["do"]
        with self.lock:
            if do == "expire":
                self.expired.add(entry["key"])
            if entry["key"] in self.expired:
                raise Refused("expire", "The security token included in the request is expired")
        wrong = call.wrong()
        if wrong:
            entry["ok"] = wrong[0] != "signature"
            raise Refused(*wrong)
        if do == "throttle":
            said = [("Retry-After", rule.get("retry_after")), ("x-amz-retry-after", rule.get("retry_after_ms"))]
            raise Refused("throttle", "Rate exceeded", rule.get("code"), rule.get("status"), [(k, str(v)) for k, v in said if v is not None])
        if do == "deny":
            arn = key.get("arn") or "arn:aws:iam::%s:user/tester" % key.get("account", "")
            raise Refused("deny", "User: %s is not authorized to perform: %s on resource: %s because no identity-based policy allows the %s "
                          "action" % (arn, call.action(), rule.get("resource", "*"), call.action()))
        return rule

    def rule_for(self, entry):
        with self.lock:
            for r in self.rules:
                if not all(fnmatch.fnmatchcase(entry[k] or "", r[k]) for k in ("service", "operation", "key", "account") if k in r):
                    continue
                r["seen"] += 1
                first = r.get("nth", 1)
                if r["seen"] >= first and (not r.get("times") or r["seen"] < first + r["times"]):
                    return r
        return None

    def answer(self, rq):
        """(answer, rule) of one AWS request; writes its log entry."""
        m = AUTHORIZATION.match(rq.header("Authorization"))
        call = awswire.Call(rq, m.group(4) if m else "")
        entry = new_entry(rq, call.service, call.operation)
        rule = None
        try:
            rule = self.judge(rq, call, entry)
            answer = given_answer(call, rule) if rule and rule["do"] == "answer" else spoil(self.ask(rq, call, entry), rule)
        except Refused as e:
            answer = self.refuse(call, e, entry)
        entry["status"] = answer.status
        with self.lock:
            self.log.append(entry)
        return answer, rule

    def can(self, rq):
        """One of the unsigned answers."""
        canned = self.canned[rq.target.partition("?")[0]]
        body = canned.get("body", "")
        data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        a = Answer(canned.get("status", 200), [("Content-Type", "application/json"), *canned.get("headers", {}).items()], data)
        if any(rq.header(k) != v for k, v in canned.get("need", {}).items()):
            a = json_answer({"message": "not allowed"}, 401)
        with self.lock:
            self.log.append(dict(new_entry(rq, "canned", rq.target), status=a.status))
        return a

    def refuse(self, call, e, entry):
        status, headers, body = awswire.error(call, e.meaning, e.text, e.code, e.status)
        entry.update(fault=e.meaning, code=e.code or awswire.CODES[e.meaning][call.family][1])
        if not entry["ok"] or e.meaning in ("input", "operation"):
            with self.lock:
                self.why.append("%s: %s" % (entry["name"], e.text))
        return Answer(status, headers + e.headers, body)

    def ask(self, rq, call, entry):
        cap = self.pages.get(entry["name"])
        pager = awswire.Pager(call, cap) if cap else None
        if pager and not pager.strip(rq):
            raise Refused("input", "the token is not one that was given", code="InvalidNextToken")
        answer = self.forward(rq)
        if answer.status == 200:
            self.learn(call, answer.body.decode("utf-8", "replace"))
            if pager:
                answer.body = pager.cut(answer.body)
                answer.headers = [(k, v) for k, v in answer.headers if k.lower() != "x-amz-crc32"]
        return answer

    def learn(self, call, text):
        """Session keys that pass are good from now on."""
        if call.operation not in ("AssumeRole", "AssumeRoleWithWebIdentity", "GetSessionToken", "GetFederationToken"):
            return
        value = lambda tag: html.unescape((re.search("<%s>([^<]*)</%s>" % (tag, tag), text) or ["", ""])[1])  # noqa: E731
        arn = value("Arn")
        account = (re.search(r":(\d{12}):", arn or call.params.get("RoleArn", "")) or [None, ""])[1]
        with self.lock:
            self.keys[value("AccessKeyId")] = {"id": value("AccessKeyId"), "secret": value("SecretAccessKey"),
                                               "token": value("SessionToken"), "account": account, "arn": arn}

    def forward(self, rq):
        conn = http.client.HTTPConnection(self.upstream.hostname, self.upstream.port, timeout=60)
        try:
            conn.putrequest(rq.method, self.upstream.path + rq.target, skip_host=True, skip_accept_encoding=True)
            for k, v in rq.headers:
                if k.lower() not in HOP | {"content-length"}:
                    conn.putheader(k, v)
            conn.putheader("Content-Length", str(len(rq.body)))
            conn.endheaders(rq.body)
            r = conn.getresponse()
            return Answer(r.status, [(k, v) for k, v in r.getheaders() if k.lower() not in HOP], r.read(), r.reason)
        finally:
            conn.close()


def new_entry(rq, service, operation):
    return {"service": service, "operation": operation, "name": "%s.%s" % (service, operation), "key": "", "account": "", "region": "",
            "ok": True, "fault": "", "code": "", "status": 0, "at": time.time(), "target": rq.target}


def given_answer(call, rule):
    body = rule["body"]
    kind = {"json": "application/x-amz-json-" + call.json_version, "rest-json": "application/json"}.get(call.family, "text/xml")
    return Answer(rule.get("status", 200), [("Content-Type", kind)], (body if isinstance(body, str) else json.dumps(body)).encode())


def spoil(a, rule):
    """Another answer in the place of the service's."""
    do = rule["do"] if rule else ""
    if do == "html502":
        return Answer(502, [("Content-Type", "text/html")], b"<html><body><h1>502 Bad Gateway</h1></body></html>")
    if do == "empty500":
        return Answer(500, [], b"")
    if do == "replace":
        a.body = a.body.replace(rule["old"].encode(), rule["new"].encode())
    return a


# ---------------------------------------------------------------- the wire
def read_request(f, conn):
    line = f.readline(65537).decode("latin-1")
    if not line.strip():
        return None
    method, target, _ = line.split(" ")
    headers = []
    for raw in iter(lambda: f.readline(65537).decode("latin-1").rstrip("\r\n"), ""):
        k, _, v = raw.partition(":")
        headers.append((k, v.strip(" \t")))
    rq = Request(method, target, headers, b"")
    if rq.header("Expect").lower() == "100-continue":
        conn.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    if rq.header("Transfer-Encoding").lower() == "chunked":
        while True:
            part = f.read(int(f.readline().split(b";")[0], 16) + 2)[:-2]
            if not part:
                break
            rq.body += part
    else:
        rq.body = f.read(int(rq.header("Content-Length") or 0))
    return rq


def send(conn, front, rq, a, rule):
    """Frames the answer, badly when the rule says so."""
    do = rule["do"] if rule else ""
    if do == "drop":
        raise Hangup
    headers = [(k, v) for k, v in a.headers if k.lower() != "date" and (rq.method == "HEAD" or k.lower() != "content-length")]
    headers.append(("Date", email.utils.formatdate(front.now(), usegmt=True)))
    if rq.method != "HEAD" and a.status != 204:
        headers.append(("Content-Length", str(len(a.body))))
    head = "HTTP/1.1 %d %s\r\n" % (a.status, a.reason) + "".join("%s: %s\r\n" % h for h in headers) + "\r\n"
    body = b"" if rq.method == "HEAD" else a.body
    if do == "truncate":
        conn.sendall(head.encode("latin-1") + body[:rule.get("keep", len(body) // 2)])
        raise Hangup
    if do != "slow":
        conn.sendall(head.encode("latin-1") + body)
        return
    conn.sendall(head.encode("latin-1"))
    step = rule.get("bytes", 1)
    for i in range(0, len(body), step):
        conn.sendall(body[i:i + step])
        time.sleep(rule.get("ms", 50) / 1000)


def serve(front, conn):
    try:
        conn.settimeout(120)
        conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        f = conn.makefile("rb")
        while True:
            rq = read_request(f, conn)
            if rq is None:
                break
            if rq.target.startswith("/_"):
                send(conn, front, rq, front.control(rq), None)
            elif rq.target.partition("?")[0] in front.canned:
                send(conn, front, rq, front.can(rq), None)
            else:
                send(conn, front, rq, *front.answer(rq))
            if rq.header("Connection").lower() == "close":
                break
    except (Hangup, OSError):
        pass  # the peer went away or the fault ends here: both are daily bread
    finally:
        conn.close()


def die_with_parent():
    parent = os.getppid()

    def watch():
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(0)
    threading.Thread(target=watch, daemon=True).start()


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--upstream", required=True)
    p.add_argument("--port", type=int, default=0)
    p.add_argument("--parent-dies", action="store_true", help="end when the starting process is gone")
    args = p.parse_args()
    if args.parent_dies:
        die_with_parent()
    front = Front(args)
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", args.port))
    listener.listen(256)
    print("PORT %d" % listener.getsockname()[1], flush=True)
    while True:
        conn, _ = listener.accept()
        threading.Thread(target=serve, args=(front, conn), daemon=True).start()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
