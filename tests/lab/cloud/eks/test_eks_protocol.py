import json

import pytest

from lab.cloud.eks.protocol import EksProtocol
from lab.cloud.identity.identities import Identity
from lab.cloud.requests.wire import Request

pytestmark = pytest.mark.simulation
CALLER = Identity("arn", "arn", "id")


def answer(handlers, method, path, body=None, query=""):
    request = Request(method, path, query, {}, json.dumps(body).encode() if body is not None else b"")
    status, headers, content = EksProtocol(handlers).answer(request, CALLER, "eu-central-1")
    return status, headers.get("x-amzn-ErrorType"), json.loads(content)


def test_an_arn_in_the_path_arrives_decoded():
    seen = []
    path = "/clusters/demo/access-entries/arn%3Aaws%3Aiam%3A%3A1%3Auser%2Fana"
    status, _, _ = answer({"delete_access_entry": lambda call: seen.append(call) or {}}, "DELETE", path)
    assert status == 200
    assert seen[0].parameters == {"clusterName": "demo", "principalArn": "arn:aws:iam::1:user/ana"}
    assert (seen[0].identity, seen[0].region) == (CALLER, "eu-central-1")


def test_values_of_the_query_have_their_types():
    seen = []
    handler = {"delete_addon": lambda call: seen.append(call.parameters) or {}}
    answer(handler, "DELETE", "/clusters/demo/addons/coredns", query="preserve=true")
    assert seen == [{"clusterName": "demo", "addonName": "coredns", "preserve": True}]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"name": "demo"}, "roleArn"),
        ({"name": "demo", "roleArn": "r", "resourcesVpcConfig": {}, "colour": "red"}, "colour"),
        ({"name": "demo", "roleArn": "r", "resourcesVpcConfig": {"colour": "red"}}, "colour"),
        ({"name": 1, "roleArn": "r", "resourcesVpcConfig": {}}, "name"),
        (
            {"name": "d", "roleArn": "r", "resourcesVpcConfig": {}, "upgradePolicy": {"supportType": "X"}},
            "'X'",
        ),
    ],
)
def test_invalid_parameters_are_refused_by_name(body, words):
    status, code, error = answer({"create_cluster": lambda call: {}}, "POST", "/clusters", body)
    assert (status, code) == (400, "InvalidParameterException")
    assert words in error["message"]


def test_an_answer_that_the_model_does_not_allow_is_a_bug():
    with pytest.raises(AssertionError, match="colour"):
        answer({"describe_cluster": lambda call: {"cluster": {"colour": "red"}}}, "GET", "/clusters/demo")


def test_a_path_that_eks_does_not_have_is_named():
    status, code, error = answer({}, "GET", "/clusters/demo/colours")
    assert (status, code) == (501, "NotImplemented")
    assert "/clusters/demo/colours" in error["message"]


def test_an_unknown_page_token_is_refused():
    handler = {"list_clusters": lambda call: {"clusters": ["a", "b"]}}
    first = answer(handler, "GET", "/clusters", query="maxResults=1")[2]
    assert first["clusters"] == ["a"]
    second = answer(handler, "GET", "/clusters", query=f"nextToken={first['nextToken']}")[2]
    assert second == {"clusters": ["b"]}
    assert answer(handler, "GET", "/clusters", query="nextToken=%21")[1] == "InvalidParameterException"
