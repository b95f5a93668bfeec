"""The middleware in front of fake services; requests are signed with botocore's own signer."""

import io
import json
from dataclasses import replace
from urllib.parse import urlencode, urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as Keys

from lab.cloud.identity.identities import Credentials, Identity
from lab.cloud.requests.faults import Faults, JsonLines
from lab.cloud.requests.middleware import IDENTITY, RequestMiddleware
from lab.cloud.requests.wire import REMOVED, Models, Request, read_call

pytestmark = pytest.mark.simulation
ANA = Credentials("AKIAANA", "secret-of-ana", None, Identity("arn:ana", "arn:ana", "AIDA"))
KEYS = {"AKIAANA": ANA, "ASIAENDED": replace(ANA, access_key_id="ASIAENDED", expired=True)}


class Known:
    """Identities with an access key, and one of a session that has ended."""

    def find(self, access_key_id):
        return KEYS.get(access_key_id)


class World:
    """The middleware, its fake services, and what it logged."""

    def __init__(self, directory):
        self.directory = directory
        self.seen = []
        self.reply = ("200 OK", [("Content-Type", "text/xml")], b"<ok/>")
        self.middleware = RequestMiddleware(
            moto=self._service,
            eks=self._service,
            identities=Known(),
            calls=JsonLines(directory / "calls.jsonl"),
            faults=Faults(directory / "faults.jsonl"),
            models=Models(),
        )

    def _service(self, environ, start_response):
        self.seen.append(environ)
        if isinstance(self.reply, Exception):
            raise self.reply
        status, headers, body = self.reply
        start_response(status, headers)
        return [body]

    def lines(self, name):
        return [json.loads(line) for line in (self.directory / name).read_text().splitlines()]

    def call(
        self, *, service="ec2", form=None, secret="secret-of-ana", key="AKIAANA", headers=None, signed=True
    ):
        body = urlencode(form or {"Action": "DescribeVpcs", "Version": "2016-11-15"}).encode()
        sent = {"Content-Type": "application/x-www-form-urlencoded", "Host": "127.0.0.1:1", **(headers or {})}
        request = AWSRequest("POST", "http://127.0.0.1:1/", headers=sent, data=body)
        if signed:
            SigV4Auth(Keys(key, secret), service, "eu-central-1").add_auth(request)
        environ = {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": urlsplit(request.url).path,
            "QUERY_STRING": "",
            "wsgi.input": io.BytesIO(body),
            "CONTENT_LENGTH": str(len(body)),
            "CONTENT_TYPE": request.headers["Content-Type"],
            **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in request.headers.items()},
        }
        answered = []
        chunks = self.middleware(environ, lambda status, headers: answered.append((status, dict(headers))))
        status, headers = answered[0]
        return int(status.split()[0]), headers, b"".join(chunks)


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def test_a_signed_call_reaches_its_service_and_is_logged(world):
    form = {"Action": "DescribeVpcs", "Version": "2016-11-15", "VpcId.1": "vpc-1"}
    assert world.call(form=form)[0] == 200
    assert world.seen[0][IDENTITY] == ANA.identity
    assert world.seen[0]["wsgi.input"].read().startswith(b"Action=DescribeVpcs")
    (line,) = world.lines("calls.jsonl")
    del line["time"]
    assert line == {
        "service": "ec2",
        "action": "DescribeVpcs",
        "parameters": {"VpcId.1": "vpc-1"},
        "status": 200,
        "error": None,
        "principal": "arn:ana",
    }
    assert world.lines("faults.jsonl") == []


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({"secret": "guess"}, "SignatureDoesNotMatch"),
        ({"key": "AKIANOBODY"}, "AuthFailure"),
        ({"key": "AKIANOBODY", "service": "iam"}, "InvalidClientTokenId"),
        ({"headers": {"X-Amz-Security-Token": "x"}}, "AuthFailure"),
        ({"signed": False}, "MissingAuthenticationToken"),
    ],
)
def test_an_unauthenticated_caller_is_refused(world, wanted, code):
    status, _, body = world.call(**wanted)
    assert status == 403
    assert code in body.decode()
    assert world.seen == []
    (line,) = world.lines("calls.jsonl")
    assert (line["error"], line["principal"]) == (code, None)
    assert world.lines("faults.jsonl") == []


@pytest.mark.parametrize(
    ("service", "wanted"),
    [
        ("ec2", (400, "RequestExpired")),
        ("autoscaling", (403, "ExpiredToken")),
        ("sts", (403, "ExpiredToken")),
        ("eks", (403, "ExpiredTokenException")),
    ],
)
def test_a_session_that_has_ended_is_refused_in_the_words_of_its_service(world, service, wanted):
    status, _, body = world.call(service=service, key="ASIAENDED")
    code = wanted[1]
    assert (status, code) == wanted
    assert f">{code}<" in body.decode() or f'"{code}"' in body.decode()
    assert world.seen == []
    assert world.lines("faults.jsonl") == []


@pytest.mark.parametrize(
    "reply",
    [
        NotImplementedError("the describe_foo action"),
        ("404 NOT FOUND", [("Content-Type", "text/html")], b"<!doctype html><title>404 Not Found</title>"),
        ("404 NOT FOUND", [("Content-Type", "text/html")], b""),
    ],
)
def test_an_unknown_call_is_a_fault_and_an_error_that_names_it(world, reply):
    world.reply = reply
    status, _, body = world.call(form={"Action": "DescribeFoo", "Version": "2016-11-15"})
    assert status == 501
    assert b"<Code>NotImplemented</Code>" in body
    assert b"the lab does not know ec2:DescribeFoo" in body
    (fault,) = world.lines("faults.jsonl")
    assert fault["where"] == "ec2:DescribeFoo"


@pytest.mark.parametrize(
    "reply",
    [KeyError("x"), ("500 INTERNAL SERVER ERROR", [("Content-Type", "text/html")], b"<html>oops</html>")],
)
def test_an_exception_in_a_service_is_a_fault_and_a_readable_error(world, reply):
    world.reply = reply
    status, _, body = world.call()
    assert status == 501
    assert b"<Code>LabFault</Code>" in body
    assert b"ec2:DescribeVpcs" in body
    assert len(world.lines("faults.jsonl")) == 1


def test_errors_of_aws_are_no_faults(world):
    body = b"<Response><Errors><Error><Code>InvalidVpcID.NotFound</Code></Error></Errors></Response>"
    world.reply = ("400 BAD REQUEST", [("Content-Type", "text/xml")], body)
    assert world.call()[2] == body
    assert world.lines("calls.jsonl")[0]["error"] == "InvalidVpcID.NotFound"
    assert world.lines("faults.jsonl") == []


def test_a_json_service_gets_its_errors_as_json(world):
    world.reply = NotImplementedError("x")
    headers = {"X-Amz-Target": "AmazonSSM.GetFoo", "Content-Type": "application/x-amz-json-1.1"}
    _, sent, body = world.call(service="ssm", headers=headers)
    assert sent["x-amzn-ErrorType"] == "NotImplemented"
    assert json.loads(body)["__type"] == "NotImplemented"


def read(service, method="POST", path="/", *, headers=None, body=b""):
    return read_call(Models(), service, Request(method, path, "", headers or {}, body))


def test_secrets_never_reach_the_log():
    body = json.dumps(
        {"Name": "/a", "Type": "SecureString", "Value": "hidden", "Tags": [{"Key": "k"}]}
    ).encode()
    call = read("ssm", headers={"x-amz-target": "AmazonSSM.PutParameter"}, body=body)
    assert call.parameters == {"Name": "/a", "Type": "SecureString", "Value": REMOVED, "Tags": [{"Key": "k"}]}
    form = urlencode({"Action": "RunInstances", "UserData": "aGlkZGVu"}).encode()
    call = read("ec2", headers={"content-type": "application/x-www-form-urlencoded"}, body=form)
    assert call.parameters == {"UserData": REMOVED}


@pytest.mark.parametrize(
    ("service", "method", "path", "action", "parameters"),
    [
        ("eks", "GET", "/clusters/demo", "DescribeCluster", {"name": "demo"}),
        ("eks", "GET", "/clusters/demo/addons/a", "DescribeAddon", {"name": "demo", "addonName": "a"}),
        ("route53", "GET", "/2013-04-01/hostedzone/Z1/rrset", "ListResourceRecordSets", {"Id": "Z1"}),
        ("eks", "GET", "/nowhere", "GET /nowhere", {}),
        ("nothing", "GET", "/x", "GET /x", {}),
    ],
)
def test_rest_calls_are_known_by_their_path(service, method, path, action, parameters):
    call = read(service, method, path)
    assert (call.action, call.parameters) == (action, parameters)
