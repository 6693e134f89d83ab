"""What the AWS services say on the wire, for the servers of the tests: the name of an operation, the shape of an
error, the pages of a list. The names of operations and paginators come from the installed botocore's own models.
"""
import base64
import functools
import json
import re
import urllib.parse
import zlib
from xml.sax.saxutils import escape

import botocore.exceptions
import botocore.loaders
import botocore.model
import botocore.validate

# Signing name -> botocore's directory, where they differ; and -> the prefix of IAM actions.
MODEL_OF = {"monitoring": "cloudwatch", "elasticloadbalancing": "elbv2", "tagging": "resourcegroupstaggingapi", "ses": "sesv2"}
ACTION_OF = {"monitoring": "cloudwatch", "tagging": "tag"}
GLOBAL = {"route53", "cloudfront", "ce"}  # signed for us-east-1 whatever the client's region
UNSIGNED = {"AssumeRoleWithWebIdentity", "GetRoleCredentials", "CreateToken"}

# meaning -> protocol family -> (status, code)
CODES = {
    "signature": {"json": (400, "InvalidSignatureException"), "rest-json": (403, "InvalidSignatureException"),
                  "query": (403, "SignatureDoesNotMatch"), "s3": (403, "SignatureDoesNotMatch")},
    "stamp": {"json": (400, "InvalidSignatureException"), "rest-json": (403, "InvalidSignatureException"),
              "query": (403, "SignatureDoesNotMatch"), "s3": (403, "RequestTimeTooSkewed")},
    "unknown-key": {"json": (400, "UnrecognizedClientException"), "rest-json": (403, "UnrecognizedClientException"),
                    "query": (403, "InvalidClientTokenId"), "s3": (403, "InvalidAccessKeyId")},
    "expire": {"json": (400, "ExpiredTokenException"), "rest-json": (403, "ExpiredTokenException"),
               "query": (403, "ExpiredToken"), "s3": (400, "ExpiredToken")},
    "unsigned": {"json": (400, "MissingAuthenticationTokenException"), "rest-json": (403, "MissingAuthenticationTokenException"),
                 "query": (403, "MissingAuthenticationToken"), "s3": (403, "AccessDenied")},
    "deny": {"json": (400, "AccessDeniedException"), "rest-json": (403, "AccessDeniedException"),
             "query": (403, "AccessDenied"), "s3": (403, "AccessDenied")},
    "throttle": {"json": (400, "ThrottlingException"), "rest-json": (429, "TooManyRequestsException"),
                 "query": (400, "Throttling"), "s3": (503, "SlowDown")},
    "input": {"json": (400, "ValidationException"), "rest-json": (400, "InvalidParameterValueException"),
              "query": (400, "ValidationError"), "s3": (400, "InvalidArgument")},
    "operation": {"json": (400, "UnknownOperationException"), "rest-json": (404, "UnknownOperationException"),
                  "query": (400, "InvalidAction"), "s3": (405, "MethodNotAllowed")},
}


@functools.lru_cache(None)
def model(signing_name):
    """botocore's model of the service, None when it has none."""
    loader = botocore.loaders.Loader()
    try:
        raw = loader.load_service_model(MODEL_OF.get(signing_name, signing_name), "service-2")
    except botocore.exceptions.UnknownServiceError:
        return None
    return botocore.model.ServiceModel(raw, signing_name)


@functools.lru_cache(None)
def paginators(signing_name):
    try:
        return botocore.loaders.Loader().load_service_model(MODEL_OF.get(signing_name, signing_name), "paginators-1")["pagination"]
    except (botocore.exceptions.UnknownServiceError, botocore.exceptions.DataNotFoundError):
        return {}


@functools.lru_cache(None)
def routes(signing_name):
    """(method, pattern, names the query must have, length of the fixed text, operation), the most exact first."""
    out = []
    m = model(signing_name)
    for name in m.operation_names if m else ():
        http = m.operation_model(name).http
        path, _, query = http["requestUri"].partition("?")
        pattern = "".join("(.+)" if p.endswith("+}") else "([^/]+)" if p.startswith("{") else re.escape(p)
                          for p in re.split(r"(\{[^}]+\})", path.rstrip("/")))
        fixed = len(re.sub(r"\{[^}]+\}", "", path))
        want = frozenset(p.partition("=")[0] for p in query.split("&") if p)
        out.append((http["method"], re.compile(pattern + "/?$"), want, fixed, name))
    return sorted(out, key=lambda r: (-r[3], -len(r[2]), r[4]))


class Call:
    """What a request asks for: service (its signing name), operation, family of the protocol, input."""

    def __init__(self, rq, scope_service):
        path, _, query = rq.target.partition("?")
        self.service, self.operation, self.params = scope_service, "", {}
        self.path, self.query = path, urllib.parse.parse_qsl(query, keep_blank_values=True)
        target, ctype = rq.header("X-Amz-Target"), rq.header("Content-Type")
        form = dict(urllib.parse.parse_qsl(rq.body.decode("latin-1"), keep_blank_values=True)) if "x-www-form-urlencoded" in ctype else {}
        form = form or (dict(self.query) if "Action" in dict(self.query) else {})
        if target:
            self.family, self.params = "json", rq.body
            self.prefix, _, self.operation = target.rpartition(".")
        elif "Action" in form:
            self.family, self.operation, self.params = "query", form["Action"], form
        else:
            self.service = self.service or {"/federation/credentials": "sso", "/token": "sso-oidc"}.get(path, "")
            self.family = {"s3": "s3", "route53": "query", "cloudfront": "query"}.get(self.service, "rest-json")
            self.operation = self.rest_operation(rq.method, bool(rq.header("x-amz-copy-source")))
        self.json_version = re.sub(r".*x-amz-json-", "", ctype)

    def rest_operation(self, method, is_copy):
        names = {k for k, _ in self.query}
        for m, pattern, want, _, name in routes(self.service):
            if m == method and want <= names and pattern.match(self.path.rstrip("/")) and (name != "CopyObject" or is_copy):
                return name
        return ""

    def action(self):
        """The IAM action: "cloudwatch:DescribeAlarms"."""
        return "%s:%s" % (ACTION_OF.get(self.service, self.service), self.operation)

    def wrong(self):
        """(meaning, why) when the service would not take this call, None when it would."""
        m = model(self.service)
        if not self.operation:
            return "operation", "no operation has this method and path"
        if not m or (self.service in ("sqs", "monitoring") and self.family == "json" and not m.metadata.get("targetPrefix")):
            return None  # botocore before 1.40 knows SQS and CloudWatch in their older protocol only
        if self.family == "json" and self.prefix != m.metadata.get("targetPrefix"):
            return "signature", "Credential should be scoped to correct service: '%s' is not '%s'" % (self.service, self.prefix)
        if self.operation not in m.operation_names:
            return None if self.family == "query" else ("operation", "unknown operation %s" % self.operation)
        if self.family != "json":
            return self.wrong_names(m)
        if self.json_version != m.metadata.get("jsonVersion"):
            return "operation", "content type of JSON %s, the service speaks %s" % (self.json_version, m.metadata.get("jsonVersion"))
        return self.wrong_input(m.operation_model(self.operation).input_shape)

    def wrong_names(self, m):
        """Names of a form or a query that the operation does not have; a service may ignore them, a recipe must not have them."""
        shape = m.operation_model(self.operation).input_shape
        if self.family == "query" and isinstance(self.params, dict) and "Action" in self.params:
            if self.params.get("Version") != m.api_version:
                return "operation", "Version %s is not %s" % (self.params.get("Version"), m.api_version)
            strange = [k for k in self.params if k not in ("Action", "Version") and not is_member(shape, k.split("."))]
        elif self.family == "s3":
            return None
        else:
            members = shape.members.values() if shape else ()
            known = {v.serialization.get("name") for v in members if v.serialization.get("location") == "querystring"}
            strange = [k for k, _ in self.query if k not in known]
        return ("input", "%s has no member %s" % (self.operation, ", ".join(strange))) if strange else None

    def wrong_input(self, shape):
        try:
            given = json.loads(self.params)
        except ValueError:
            return "input", "the body is not JSON"
        if not isinstance(given, dict):
            return "input", "the body is not an object"
        strange = sorted(set(given) - set(shape.members if shape else ()))
        if strange:
            return "input", "%s has no member %s" % (self.operation, ", ".join(strange))
        if shape:
            report = botocore.validate.ParamValidator().validate(given, shape)
            if report.has_errors():
                return "input", report.generate_report()
        return None


def is_member(shape, path):
    """Whether the parts of Name.member.1.Sub lead through the shape, as the query protocol writes lists and structures."""
    if not path or shape is None:
        return shape is not None and shape.type_name not in ("structure", "list", "map")
    if shape.type_name == "structure":
        by_name = {v.serialization.get("name", k): v for k, v in shape.members.items()}
        return path[0] in by_name and is_member(by_name[path[0]], path[1:])
    if shape.type_name != "list":
        return False
    if not shape.serialization.get("flattened"):
        if path[0] != shape.member.serialization.get("name", "member"):
            return False
        path = path[1:]
    return bool(path) and path[0].isdigit() and is_member(shape.member, path[1:])


def is_query_compatible(service):
    m = model(service)
    return bool(m and "awsQueryCompatible" in m.metadata)


def error(call, meaning, text, code=None, status=None):
    """(status, headers, body) of an error in the protocol's own shape."""
    own_status, own_code = CODES[meaning][call.family]
    status, code = status or own_status, code or own_code
    headers = [("x-amzn-RequestId", "00000000-0000-4000-8000-000000000000")]
    if call.family == "json":
        prefix = "com.amazon.coral.service#" if call.json_version == "1.0" else ""
        body = json.dumps({"__type": prefix + code, "message": text})
        headers.append(("Content-Type", "application/x-amz-json-" + (call.json_version or "1.1")))
        if is_query_compatible(call.service):
            headers.append(("x-amzn-query-error", code.replace("Exception", "") + ";Sender"))
    elif call.family == "rest-json":
        body = json.dumps({"Message": text})
        headers += [("Content-Type", "application/json"), ("x-amzn-ErrorType", code + ":http://internal.example/")]
    elif call.family == "s3":
        body = ('<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>%s</Code><Message>%s</Message><RequestId>R</RequestId>'
                "<HostId>H</HostId></Error>" % (code, escape(text)))
        headers.append(("Content-Type", "application/xml"))
    else:
        body = ("<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error><RequestId>R</RequestId>"
                "</ErrorResponse>" % (code, escape(text)))
        headers.append(("Content-Type", "text/xml"))
    return status, headers, body.encode()


class Pager:
    """Cuts the whole list of an emulator that knows no pages into pages, as the service does. JSON only."""

    def __init__(self, call, cap):
        self.call, self.cap = call, cap
        p = paginators(call.service).get(call.operation, {})
        as_list = lambda v: v if isinstance(v, list) else [v]  # noqa: E731
        self.keys = as_list(p.get("result_key", []))
        self.token_in, self.token_out = as_list(p.get("input_token"))[0], as_list(p.get("output_token"))[0]
        self.limit, self.start = p.get("limit_key"), 0

    def strip(self, rq):
        """The request as the emulator gets it: whole list, no token. False when the token is not one of ours."""
        if self.call.family == "rest-json":
            wire = self.wire_names()
            given = dict(self.call.query)
            token, limit = given.get(wire.get(self.token_in)), given.get(wire.get(self.limit))
            kept = [(k, v) for k, v in self.call.query if k not in (wire.get(self.token_in), wire.get(self.limit))]
            rq.target = self.call.path + ("?" + urllib.parse.urlencode(kept) if kept else "")
        else:
            doc = json.loads(rq.body)
            token, limit = doc.pop(self.token_in, None), doc.pop(self.limit, None)
            rq.body = json.dumps(doc).encode()
        self.cap = min(self.cap, int(limit or self.cap))
        if token:
            self.start = self.open(token)
        return self.start is not None

    def wire_names(self):
        shape = model(self.call.service).operation_model(self.call.operation).input_shape
        return {name: m.serialization.get("name", name) for name, m in shape.members.items()}

    def seal(self, offset):
        """Opaque, bound to the operation, and with the characters that a careless client breaks."""
        text = "%s|%d" % (self.call.operation, offset)
        return "A/+" + base64.b64encode(("%s|%d" % (text, zlib.crc32(text.encode()))).encode()).decode() + "=="

    def open(self, token):
        try:
            text, _, crc = base64.b64decode(token[3:-2]).decode().rpartition("|")
            name, _, offset = text.partition("|")
            return int(offset) if name == self.call.operation and zlib.crc32(text.encode()) == int(crc) else None
        except ValueError:
            return None

    def cut(self, body):
        doc = json.loads(body)
        flat = [(k, v) for k in self.keys for v in doc.get(k) or []]
        page, end = flat[self.start:self.start + self.cap], self.start + self.cap
        for k in self.keys:
            if k in doc:
                doc[k] = [v for kk, v in page if kk == k]
        doc.pop(self.token_out, None)
        if end < len(flat):
            doc[self.token_out] = self.seal(end)
        return json.dumps(doc).encode()
