"""What is read from a kubeconfig, and what is refused with the missing part's name."""

import base64
import json

import pytest
import yaml

from lab.providers.kubernetes.connection.kubeconfig import KubeconfigError, access_of, parse

pytestmark = pytest.mark.unit


def document(**user):
    return {
        "clusters": [
            {"name": "one", "cluster": {"server": "https://one.lab.test"}},
            {"name": "two", "cluster": {"server": "https://two.lab.test"}},
        ],
        "users": [{"name": "me", "user": user or {"token": "t0ken"}}],
        "contexts": [
            {"name": "first", "context": {"cluster": "one", "user": "me", "namespace": "apps"}},
            {"name": "second", "context": {"cluster": "two", "user": "me"}},
        ],
        "current-context": "first",
    }


@pytest.mark.parametrize("write", [json.dumps, yaml.safe_dump])
def test_text_is_read_as_yaml_or_json(write):
    access = parse(write(document())).access()

    assert access.server == "https://one.lab.test"
    assert access.namespace == "apps"


def test_path_is_read_with_the_files_it_names(tmp_path):
    given = document()
    given["clusters"][0]["cluster"]["certificate-authority"] = "ca.crt"
    (tmp_path / "ca.crt").write_text("the authority")
    (tmp_path / "config").write_text(yaml.safe_dump(given))

    access = parse(str(tmp_path / "config")).access()

    assert access.certificate_authority == "the authority"
    inlined = json.loads(access.document())["clusters"][0]["cluster"]["certificate-authority-data"]
    assert base64.b64decode(inlined).decode() == "the authority"


def test_context_and_cluster_can_be_chosen():
    kubeconfig = parse(json.dumps(document()))

    assert kubeconfig.access("second").namespace == "default"
    assert kubeconfig.access("second").server == "https://two.lab.test"
    assert kubeconfig.access("first", "two").server == "https://two.lab.test"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("/no/such/file", "neither an existing file nor"),
        ("{", "neither an existing file nor"),
        (json.dumps({**document(), "current-context": "third"}), "no context 'third'"),
        (json.dumps({**document(), "users": []}), "no user 'me'"),
        (json.dumps(document(**{"auth-provider": {}})), "user has 'auth-provider'"),
    ],
)
def test_what_cannot_be_used_is_refused(given, words):
    with pytest.raises(KubeconfigError, match=words):
        access_of(parse(given))


def test_credentials_do_not_show():
    kubeconfig = parse(json.dumps(document()))

    assert "t0ken" not in f"{kubeconfig!r} {kubeconfig.access()!r}"
