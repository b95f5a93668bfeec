"""What a client that evicts a pod gets from a real API server for each behaviour of the webhook."""

import pytest

from lab.disturbances.actors import act_as
from lab.disturbances.webhooks import CONFIGURATIONS, NAME, Behaviour, EvictionWebhook
from tests.lab.nodeplayer import objects

pytestmark = pytest.mark.control_plane

SECONDS = 1
"""Timeout of the webhook: the shortest that the API server knows."""


@pytest.fixture(scope="module")
def cluster(start):
    return start()


@pytest.fixture(scope="module")
def api(cluster):
    return act_as(cluster.kubeconfig, "lab:actor:tester")


@pytest.fixture
def webhook(api, tmp_path):
    webhook = EvictionWebhook(tmp_path, timeout=SECONDS)
    with webhook.serving(api):
        webhook.behaviour = Behaviour.DENIES_400
        _wait_until_asked(api, webhook)
        yield webhook


def _wait_until_asked(api, webhook):
    """Wait until the API server has noticed the webhook."""
    name = f"probe-{id(webhook)}"
    uid = _pod(api, name)
    while not webhook.asked:
        api.evict("default", name, uid=uid)


def _pod(api, name):
    manifest = objects.pod(name, nodeName="no-such-node")
    return api.create("/api/v1/namespaces/default/pods", manifest)["metadata"]["uid"]


@pytest.mark.parametrize(
    ("behaviour", "status", "words"),
    [
        (Behaviour.FAILS, 500, "failed calling webhook"),
        (Behaviour.DENIES_400, 400, f'admission webhook "{NAME}" denied the request'),
        (Behaviour.DENIES_403, 403, f'admission webhook "{NAME}" denied the request'),
        (Behaviour.IS_SILENT, 500, "context deadline exceeded"),
        (Behaviour.HANGS_UP, 500, "EOF"),
        (Behaviour.ALLOWS, 201, ""),
    ],
)
def test_an_eviction_is_answered_as_the_webhook_behaves(api, webhook, behaviour, status, words):
    name = behaviour.name.lower().replace("_", "-")
    uid = _pod(api, name)
    webhook.behaviour = behaviour
    answer = api.evict("default", name, uid=uid)

    assert (answer.status, answer.message) == (status, answer.message)
    assert words in answer.message


def test_the_webhook_is_gone_after_its_time(api, tmp_path):
    with EvictionWebhook(tmp_path, timeout=SECONDS).serving(api):
        assert api.get(f"{CONFIGURATIONS}/{NAME}")
    assert api.get(f"{CONFIGURATIONS}/{NAME}") is None
