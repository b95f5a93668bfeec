"""The properties of an EKS control plane that clients rely on, tested on a control plane of the lab."""

import base64
import json
import socket
import ssl

import pytest

from lab.cluster.processes import wait_until
from lab.evidence.audit import AuditLog

pytestmark = pytest.mark.control_plane


def test_clients_can_parse_the_server_version(kubectl):
    answered = kubectl.read("version")["serverVersion"]

    assert answered["gitVersion"] == "v1.36.3"
    assert (answered["major"], answered["minor"]) == ("1", "36")


def test_endpoint_has_a_certificate_of_the_clusters_own_authority(plane):
    port = int(plane.endpoint.rpartition(":")[2])
    trusting = ssl.create_default_context(cadata=plane.certificate_authority.decode())
    with (
        socket.create_connection(("127.0.0.1", port), timeout=5) as raw,
        trusting.wrap_socket(raw, server_hostname="127.0.0.1") as connection,
    ):
        assert connection.getpeercert()["issuer"][-1][0][1] == "kubernetes shared"

    with (
        socket.create_connection(("127.0.0.1", port), timeout=5) as raw,
        pytest.raises(ssl.SSLCertVerificationError),
    ):
        ssl.create_default_context().wrap_socket(raw, server_hostname="127.0.0.1")


def test_token_that_the_webhook_accepts_gets_its_user(kubectl):
    review = json.loads(kubectl.with_token("token-of-ana", "auth", "whoami", "-o", "json").stdout)

    assert review["status"]["userInfo"]["username"] == "ana"
    assert "operators" in review["status"]["userInfo"]["groups"]


def test_known_user_without_a_role_is_forbidden(kubectl):
    refused = kubectl.with_token("token-of-ana", "get", "nodes")

    assert refused.returncode == 1
    assert 'User "ana" cannot list resource "nodes"' in refused.stderr


def test_token_that_the_webhook_refuses_is_unauthorized(kubectl):
    refused = kubectl.with_token("token-of-nobody", "get", "--raw", "/api/v1/nodes", "-v=6")

    assert refused.returncode == 1
    assert "Unauthorized" in refused.stderr
    assert "401" in refused.stderr


def test_service_account_tokens_name_the_issuer_of_the_cluster(kubectl):
    assert wait_until(lambda: kubectl.attempt("get", "serviceaccount", "default").returncode == 0, 20)

    payload = kubectl("create", "token", "default").split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))

    assert claims["iss"] == "https://issuer.example/id/ABC"


def test_services_get_addresses_of_the_clusters_range(kubectl):
    assert kubectl.read("get", "service", "kubernetes")["spec"]["clusterIP"] == "10.100.0.1"


def test_privileged_pods_are_admitted(kubectl):
    pod = _pod("privileged", {})
    pod["spec"]["containers"][0]["securityContext"] = {"privileged": True}
    assert wait_until(lambda: kubectl.attempt("get", "serviceaccount", "default").returncode == 0, 20)

    kubectl("create", "-f", "-", given=pod)


def test_audit_log_has_each_eviction_with_its_outcome(kubectl, plane):
    _two_ready_pods_with_one_disruption_allowed(kubectl)

    first = kubectl.attempt("create", "--raw", _eviction("guarded-0"), "-f", "-", given=_evict("guarded-0"))
    second = kubectl.attempt("create", "--raw", _eviction("guarded-1"), "-f", "-", given=_evict("guarded-1"))

    assert first.returncode == 0, first.stderr
    assert "disruption budget" in second.stderr
    attempts = [line for line in _audit(plane) if _object(line).get("subresource") == "eviction"]
    assert [(line["objectRef"]["name"], line["responseStatus"]["code"]) for line in attempts] == [
        ("guarded-0", 201),
        ("guarded-1", 429),
    ]
    assert {line["user"]["username"] for line in attempts} == {"lab:admin"}
    assert attempts[0]["requestObject"]["kind"] == "Eviction"


def test_audit_log_has_writes_to_nodes_but_neither_reads_of_the_lab_nor_heartbeats(kubectl, plane):
    kubectl("create", "-f", "-", given={"apiVersion": "v1", "kind": "Node", "metadata": {"name": "audited"}})
    kubectl("get", "node", "audited")
    kubectl("cordon", "audited")
    kubectl("patch", "node", "audited", "--subresource=status", "-p", '{"status":{"phase":"Running"}}')
    kubectl("delete", "node", "audited", "--wait=false")

    mine = [
        (line["verb"], _object(line).get("subresource"))
        for line in _audit(plane)
        if _object(line).get("name") == "audited" and line["user"]["username"] == "lab:admin"
    ]
    assert mine == [("create", None), ("patch", None), ("delete", None)]


def test_audit_log_counts_what_users_ask_without_its_content(kubectl, plane):
    before = len(AuditLog(plane.audit_log).asked_by("ana"))
    kubectl.with_token("token-of-ana", "get", "--raw", "/api/v1/nodes")
    kubectl.with_token("token-of-ana", "get", "--raw", "/version")

    log = AuditLog(plane.audit_log)
    new = [(event.verb, event.resource, event.code) for event in log.asked_by("ana")[before:]]
    assert new == [("list", "nodes", 403), ("get", "", 200)]
    assert not [event for event in log.events() if event.user == "ana" and not event.resource]
    assert not [line for line in _audit(plane) if "ana" in str(line["user"]) and "requestObject" in line]


def _two_ready_pods_with_one_disruption_allowed(kubectl):
    assert wait_until(lambda: kubectl.attempt("get", "serviceaccount", "default").returncode == 0, 20)
    ready = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
    for name in ("guarded-0", "guarded-1"):
        kubectl("create", "-f", "-", given=_pod(name, {"app": "guarded"}))
        kubectl("patch", "pod", name, "--subresource=status", "-p", json.dumps({"status": ready}))
    budget = {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "guarded"},
        "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "guarded"}}},
    }
    kubectl("create", "-f", "-", given=budget)
    assert wait_until(lambda: _disruptions_allowed(kubectl) == 1, 20)


def _disruptions_allowed(kubectl):
    return kubectl.read("get", "poddisruptionbudget", "guarded").get("status", {}).get("disruptionsAllowed")


def _pod(name, labels):
    container = {"name": "main", "image": "registry.example/none"}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": labels},
        "spec": {"containers": [container]},
    }


def _eviction(name):
    return f"/api/v1/namespaces/default/pods/{name}/eviction"


def _evict(name):
    return {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name, "namespace": "default"}}


def _object(line):
    return line.get("objectRef", {})


def _audit(plane):
    return [json.loads(line) for line in plane.audit_log.read_text().splitlines()]
