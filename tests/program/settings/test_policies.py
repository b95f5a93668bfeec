"""The key `policies`: wrong keys, objects and assertions are refused; verdicts follow from its objects."""

from pathlib import Path
from typing import Any

import pytest

from eks_cilium.cilium.versions import TRIED
from eks_cilium.cli.stack_file import read_stack_file
from eks_cilium.policy.compile import CompiledPolicies
from eks_cilium.policy.verdict import Cluster, Decision, Evaluator, Flow, Pod, Port, selector_scope_of
from eks_cilium.settings import ConfigurationError, Problem, read
from eks_cilium.settings.compiling import compiled_policies
from eks_cilium.settings.model import MeshSettings
from tests.program.settings.bad_configurations import GOOD_MESH, as_pulumi, changed

pytestmark = pytest.mark.unit

STACKS = Path(__file__).resolve().parents[3] / "stacks"
VERSIONS = {"cluster-1": "1.19.7", "cluster-2": "1.18.11"}
CLIENT = {"cluster": "cluster-1", "namespace": "my-client", "labels": {"app": "my-client"}}
SERVER = {"cluster": "cluster-2", "namespace": "my-server", "labels": {"app": "my-server"}}
INTENT = {"name": "client-to-server", "from": CLIENT, "to": {**SERVER, "ports": ["8080/TCP"]}}
MEANT = {"from": CLIENT, "to": SERVER, "port": "8080/TCP"}
ARTICLE = """\
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: allow-cross-cluster
  namespace: my-client
spec:
  endpointSelector:
    matchLabels:
      app: my-client
  egress:
    - toEndpoints:
        - matchLabels:
            app: my-server
            io.cilium.k8s.policy.cluster: cluster-2
"""


def settings_with(keys: dict[str, Any]) -> MeshSettings:
    settings = read(as_pulumi(changed(GOOD_MESH, {"policies": keys})))
    assert isinstance(settings, MeshSettings)
    return settings


def compiled(folder: Path = Path(), versions: dict[str, str] | None = None, **keys: Any) -> CompiledPolicies:
    """The policies as the stack gets them: after the rules between keys."""
    return compiled_policies(
        settings_with(keys), versions or VERSIONS, lambda path: (folder / path).read_text()
    )


def problems(folder: Path = Path(), versions: dict[str, str] | None = None, **keys: Any) -> list[Problem]:
    try:
        compiled(folder, versions, **keys)
    except ConfigurationError as error:
        return list(error.problems)
    return []


def test_no_policies_are_no_problem_and_no_verdict():
    assert problems() == []
    assert compiled().verdicts == ()


def test_an_intent_allows_its_flow_and_a_default_deny_denies_the_others():
    assert not problems(
        intents=[INTENT],
        defaultDeny=[{"cluster": "cluster-1", "namespace": "my-client"}],
        mustAllow=[
            MEANT,
            {
                "from": CLIENT,
                "to": {"cluster": "cluster-1", "namespace": "kube-system", "labels": {"k8s-app": "kube-dns"}},
                "port": "53/UDP",
            },
        ],
        mustDeny=[
            {**MEANT, "port": "8081/TCP"},
            {**MEANT, "to": {"address": "203.0.113.10"}},
            {**MEANT, "from": {**CLIENT, "cluster": "cluster-2"}},
            {**MEANT, "from": {"entity": "remote-node"}},
        ],
    )


def test_every_intent_and_every_assertion_gets_one_verdict():
    denied = {**MEANT, "to": {"address": "203.0.113.10"}}
    found = compiled(intents=[INTENT], mustAllow=[MEANT], mustDeny=[denied])

    assert [(str(verdict.flow.port), verdict.decision) for verdict in found.verdicts] == [
        ("8080/TCP", Decision.ALLOWED),
        ("8080/TCP", Decision.DENIED),
    ]


def test_the_policy_of_the_article_is_taken_unchanged_and_fails_the_assertion_it_does_not_allow(tmp_path):
    (tmp_path / "article.yaml").write_text(ARTICLE)
    files = [{"cluster": "cluster-1", "path": "article.yaml"}]

    assert problems(tmp_path, files=files) == []
    ((policy,),) = compiled(tmp_path, files=files).files
    assert policy.object["spec"]["egress"][0]["toEndpoints"][0]["matchLabels"] == {
        "app": "my-server",
        "io.cilium.k8s.policy.cluster": "cluster-2",
    }

    (problem,) = problems(tmp_path, files=files, mustAllow=[MEANT])
    assert problem.key == "eks-cilium:policies.mustAllow[0]"
    assert "denied by default of my-client/allow-cross-cluster" in problem.allowed
    assert "it names no namespace, so it means the policy's own, my-client" in problem.fix
    assert "write `io.kubernetes.pod.namespace: my-server`" in problem.fix


def test_traffic_that_must_be_denied_and_is_allowed_comes_with_both_fixes():
    (problem,) = problems(intents=[INTENT], mustDeny=[MEANT])

    assert problem.key == "eks-cilium:policies.mustDeny[0]"
    assert "is allowed (egress allowed by my-client/client-to-server-egress egress[0]" in problem.allowed
    assert problem.fix == (
        "narrow CiliumNetworkPolicy my-client/client-to-server-egress egress[0] in cluster-1 or "
        "narrow CiliumNetworkPolicy my-server/client-to-server-ingress ingress[0] in cluster-2"
    )


def test_where_nothing_denies_default_deny_is_the_fix():
    (problem,) = problems(mustDeny=[MEANT])

    assert problem.fix == (
        "deny egress by default in cluster-1/my-client or deny ingress by default in cluster-2/my-server"
    )


def test_traffic_that_depends_on_unknown_labels_is_neither_allowed_nor_denied(tmp_path):
    label = "io.cilium.k8s.namespace.labels.team: shop"
    text = ARTICLE.replace("app: my-server", label)
    (tmp_path / "team.yaml").write_text(text)
    files = [{"cluster": "cluster-1", "path": "team.yaml"}]

    assert len(problems(tmp_path, files=files, mustAllow=[MEANT], mustDeny=[MEANT])) == 2
    known = {**MEANT, "to": {**SERVER, "namespaceLabels": {"team": "shop"}}}
    assert problems(tmp_path, files=files, mustAllow=[known]) == []


def test_a_peer_without_a_cluster_is_refused_with_the_key_that_permits_it(tmp_path):
    (tmp_path / "bare.yaml").write_text(
        ARTICLE.replace("            io.cilium.k8s.policy.cluster: cluster-2\n", "")
    )
    file = {"cluster": "cluster-1", "path": "bare.yaml"}

    (problem,) = problems(tmp_path, files=[file])
    assert problem.key == "eks-cilium:policies.files[0].path"
    assert "at spec.egress[0].toEndpoints[0]: a selector with io.cilium.k8s.policy.cluster" in problem.allowed
    assert "pulumi config set --path 'eks-cilium:policies.files[0].anyCluster' true" in problem.fix
    assert problems(tmp_path, files=[{**file, "anyCluster": True}]) == []


REFUSED = {
    "a cluster that is none of the stack's": (
        {"intents": [{**INTENT, "from": {**CLIENT, "cluster": "cluster-3"}}]},
        ["intents[0].from.cluster"],
        "one of cluster-1, cluster-2",
    ),
    "a cluster of an assertion": (
        {"mustDeny": [{**MEANT, "to": {**SERVER, "cluster": "x"}}]},
        ["mustDeny[0].to.cluster"],
        "one of cluster-1",
    ),
    "a label key with a source": (
        {"intents": [{**INTENT, "from": {**CLIENT, "labels": {"k8s:app": "x"}}}]},
        ['intents[0].from.labels["k8s:app"]'],
        "a Kubernetes label key",
    ),
    "a label value": (
        {"defaultDeny": [{**CLIENT, "labels": {"app": "no value"}}]},
        ["defaultDeny[0].labels.app"],
        "a Kubernetes label value",
    ),
    "a port that does not exist": (
        {"intents": [{**INTENT, "to": {**SERVER, "ports": ["70000/TCP"]}}]},
        ["intents[0].to.ports[0]"],
        "1 to 65535",
    ),
    "a range in an assertion": (
        {"mustDeny": [{**MEANT, "port": "80-90/TCP"}]},
        ["mustDeny[0].port"],
        "one port",
    ),
    "an end that is two things": (
        {"mustDeny": [{**MEANT, "to": {**SERVER, "address": "203.0.113.10"}}]},
        ["mustDeny[0].to"],
        "exactly one of",
    ),
    "an end that is nothing": ({"mustDeny": [{**MEANT, "to": {}}]}, ["mustDeny[0].to"], "exactly one of"),
    "pods without a namespace": (
        {"mustDeny": [{**MEANT, "to": {"cluster": "cluster-2"}}]},
        ["mustDeny[0].to.namespace"],
        "a namespace",
    ),
    "an address that is none": (
        {"mustDeny": [{**MEANT, "to": {"address": "300.0.0.1"}}]},
        ["mustDeny[0].to.address"],
        "an IPv4 address",
    ),
    "two ends that are no pods": (
        {"mustDeny": [{**MEANT, "from": {"entity": "host"}, "to": {"address": "203.0.113.10"}}]},
        ["mustDeny[0]"],
        "pods on one side",
    ),
    "two intents of one name": (
        {"intents": [INTENT, INTENT]},
        ["intents[1]", "intents[1]"],
        "a name of its own",
    ),
    "a file that is not there": (
        {"files": [{"cluster": "cluster-1", "path": "none.yaml"}]},
        ["files[0].path"],
        "a YAML file of Cilium's policies: cannot read none.yaml: No such file",
    ),
}


@pytest.mark.parametrize(("keys", "paths", "allowed"), REFUSED.values(), ids=list(REFUSED))
def test_wrong_keys_are_refused(keys: dict[str, Any], paths: list[str], allowed: str):
    found = problems(**keys)

    assert [problem.key for problem in found] == [f"eks-cilium:policies.{path}" for path in paths]
    assert found[0].allowed.startswith(allowed)
    assert found[0].fix


def test_a_range_needs_an_agent_that_knows_ranges_on_both_sides():
    ranged = [{**INTENT, "to": {**SERVER, "ports": ["8000-8100/TCP"]}}]

    (problem,) = problems(versions={"cluster-1": "1.19.7", "cluster-2": "1.15.19"}, intents=ranged)
    assert problem.allowed.startswith("single ports: Cilium 1.15.19 of cluster-2")
    assert problem.fix.endswith("8000/TCP")
    assert problems(intents=ranged) == []


def test_an_intent_that_only_allows_needs_agents_that_can():
    only = [{**INTENT, "enableDefaultDeny": {"egress": False, "ingress": False}}]

    found = problems(versions={"cluster-1": "1.15.19", "cluster-2": "1.16.19"}, intents=only)
    assert [problem.key for problem in found] == ["eks-cilium:policies.intents[0].enableDefaultDeny.egress"]
    assert found[0].allowed == (
        "true: Cilium 1.15.19 of cluster-1 knows no enableDefaultDeny, which came with 1.16"
    )
    assert found[0].fix.endswith("'eks-cilium:policies.intents[0].enableDefaultDeny.egress' true")
    assert problems(intents=only) == []


def test_an_intent_that_only_allows_denies_nothing():
    elsewhere = {**MEANT, "port": "8081/TCP"}
    only = [{**INTENT, "enableDefaultDeny": {"egress": False, "ingress": False}}]

    assert problems(intents=[INTENT], mustDeny=[elsewhere]) == []
    assert problems(intents=only, mustAllow=[elsewhere]) == []


@pytest.mark.parametrize("release", TRIED)
def test_the_shipped_example_cuts_no_dns(release: str):
    settings = read(read_stack_file(STACKS / "Pulumi.mesh-dev.yaml").values)
    assert isinstance(settings, MeshSettings)
    found = compiled_policies(settings, dict.fromkeys(settings.clusters, release), _no_file)

    clusters = [
        Cluster(name, selector_scope_of(release), tuple(p for p in found.policies if p.cluster == name))
        for name in settings.clusters
    ]
    for pods in (end for intent in settings.policies.intents for end in (intent.from_, intent.to)):
        server = Pod(pods.cluster, "kube-system", {"k8s-app": "kube-dns"})
        asked = Flow(Pod(pods.cluster, pods.namespace, pods.labels), server, Port(53, "UDP"))
        assert Evaluator(clusters).evaluate(asked).decision is Decision.ALLOWED


def _no_file(path: str) -> str:
    raise AssertionError(f"the example names no file, yet {path} was asked for")


def test_sctp_needs_a_definition_that_knows_it():
    (egress, ingress) = problems(
        versions=dict.fromkeys(VERSIONS, "1.12.4"),
        intents=[{**INTENT, "to": {**SERVER, "ports": ["80/SCTP"]}}],
    )

    assert "spec.egress[0].toPorts[0].ports[0].protocol: one of TCP, UDP, ANY" in egress.allowed
    assert "spec.ingress[0]" in ingress.allowed
