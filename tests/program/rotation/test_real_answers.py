"""What a real API server answers where webhooks, policies and rights are in the way of an eviction."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from eks_cilium.clients.evictions import EvictionAnswer
from eks_cilium.clients.kubeconfig import api_of
from eks_cilium.clients.kubernetes import KubernetesApi
from eks_cilium.migration.eviction.drain import Drained, drain
from eks_cilium.migration.inventory import marks
from eks_cilium.migration.options import Limits
from eks_cilium.runtime.errors import TimedOutError
from lab.disturbances.webhooks import Behaviour, EvictionWebhook

from .live import Live, eventually
from .migrations import Report, options, quiet, run

pytestmark = [pytest.mark.control_plane, pytest.mark.usefixtures("own_namespace")]

LIMITS = Limits(poll_interval=0.5)
POLICIES = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies"
BINDINGS = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings"
ROLES = "/apis/rbac.authorization.k8s.io/v1/clusterroles"
ROLE_BINDINGS = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
ROLE = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}
ANN = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "ann"}
WORDS = {
    Behaviour.FAILS: (500, "failed calling webhook"),
    Behaviour.DENIES_400: (400, "the cluster is being rebalanced"),
    Behaviour.DENIES_403: (403, "the pod will be moved by its operator"),
    Behaviour.IS_SILENT: (500, "context deadline exceeded"),
    Behaviour.HANGS_UP: (500, "failed calling webhook"),
}


@contextmanager
def webhook(live: Live, directory: Path, behaviour: Behaviour) -> Iterator[EvictionWebhook]:
    """A registered webhook that the API server asks already."""
    made = EvictionWebhook(directory, timeout=1)
    with made.serving(live.api):
        live.deploy("probe", 1)
        made.behaviour = behaviour
        eventually(lambda: not evicted(live, "probe").accepted)
        yield made


def evicted(live: Live, app: str, api: KubernetesApi | None = None) -> EvictionAnswer:
    pod = live.pods(app)[0]["metadata"]
    return (api or live.api).evict(live.namespace, pod["name"], uid=pod["uid"])


def drain_first(live: Live, seconds: int, report: Report = quiet) -> Drained:
    marks.cordon(live.api, live.node_object(0))
    given = options(drain_timeout_seconds=seconds)
    return drain(run(live.world(), given, report, LIMITS), live.node(0))


def test_no_answer_of_a_webhook_is_final(live: Live, tmp_path: Path):
    live.deploy("web", 1)
    with webhook(live, tmp_path, Behaviour.FAILS) as guard:
        for behaviour, (code, words) in WORDS.items():
            guard.behaviour = behaviour
            answer = evicted(live, "web")
            assert (answer.status, answer.final) == (code, False), behaviour
            assert words in answer.message


def test_a_webhook_that_refuses_in_every_way_for_a_while_is_waited_for(live: Live, tmp_path: Path):
    live.deploy("web", 6)
    lines: list[str] = []
    with webhook(live, tmp_path, Behaviour.FAILS) as guard:
        ways = iter([*WORDS, Behaviour.ALLOWS])

        def change() -> None:
            guard.behaviour = next(ways)
            if guard.behaviour is not Behaviour.ALLOWS:
                threading.Timer(1.5, change).start()

        change()
        drained = drain_first(live, 120, lines.append)

    assert drained.evicted > 0
    assert any("(HTTP " in line for line in lines)
    assert not [pod for pod in live.pods("web") if pod["spec"]["nodeName"] == live.node(0).name]


def test_what_a_webhook_said_is_in_the_last_message(live: Live, tmp_path: Path):
    live.deploy("web", 6)
    with (
        webhook(live, tmp_path, Behaviour.DENIES_403),
        pytest.raises(TimedOutError, match=r"denied the request: the pod will be moved by its operator"),
    ):
        drain_first(live, 5)


def test_a_policy_of_the_cluster_that_denies_is_not_final(live: Live):
    rule = {
        "apiGroups": [""],
        "apiVersions": ["v1"],
        "operations": ["CREATE"],
        "resources": ["pods/eviction"],
    }
    policy: dict[str, Any] = {
        "metadata": {"name": "freeze"},
        "spec": {
            "failurePolicy": "Fail",
            "matchConstraints": {"resourceRules": [rule]},
            "validations": [{"expression": "false", "message": "frozen until noon"}],
        },
    }
    live.deploy("web", 1)
    live.api.create(POLICIES, policy)
    binding = {"policyName": "freeze", "validationActions": ["Deny"]}
    live.api.create(BINDINGS, {"metadata": {"name": "freeze"}, "spec": binding})
    try:
        eventually(lambda: evicted(live, "web").status not in (201, 404, 409))
        answer = evicted(live, "web")
    finally:
        live.api.delete(f"{BINDINGS}/freeze")
        live.api.delete(f"{POLICIES}/freeze")

    assert "frozen until noon" in answer.message
    assert not answer.final


def test_a_right_that_is_missing_is_final(live: Live, tmp_path: Path):
    """Ann may read, and not evict."""
    live.deploy("web", 1)
    kubeconfig = yaml.safe_load(live.plane.admin_kubeconfig.read_text(encoding="utf-8"))
    kubeconfig["users"][0]["user"]["as"] = "ann"
    path = tmp_path / "ann"
    path.write_text(yaml.safe_dump(kubeconfig), encoding="utf-8")
    live.api.create(ROLE_BINDINGS, {"metadata": {"name": "ann"}, "roleRef": ROLE, "subjects": [ANN]})
    try:
        with api_of(path) as api:
            answer = evicted(live, "web", api)
    finally:
        live.api.delete(f"{ROLE_BINDINGS}/ann")

    assert answer.status == 403
    assert 'cannot create resource "pods/eviction"' in answer.message
    assert answer.final


def test_a_body_that_names_another_pod_is_final(live: Live):
    live.deploy("web", 1)
    pod = live.pods("web")[0]["metadata"]["name"]
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "other"}}

    response = live.api.exchange(
        "POST", f"/api/v1/namespaces/{live.namespace}/pods/{pod}/eviction", body=body
    )

    assert EvictionAnswer(response.status_code, response.json()["message"]).final


def test_a_pod_that_tolerates_the_cordon_comes_back_and_is_left_alone(live: Live):
    """The node that is being drained is the emptiest, so that the real scheduler likes it most."""
    live.deploy("agent", 6, tolerations=[{"operator": "Exists"}])

    drained = drain_first(live, 60)

    evictions = live.witnessed("create", "pods", "eviction")
    assert drained.evicted == len(evictions) <= 6
