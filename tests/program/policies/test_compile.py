"""One call compiles the policies of a stack: every object is read, generated, checked and evaluated once."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from eks_cilium.policy.compile import Assertion, PolicyFile, PolicySources, compile_policies, compiler
from eks_cilium.policy.objects import (
    DefaultDeny,
    Destination,
    EnableDefaultDeny,
    Intent,
    Pods,
    deny_by_default,
    parse_ports,
    policy_pair,
)
from eks_cilium.policy.verdict import Cluster, Decision, Evaluator, Flow, Pod, Port, Verdict
from eks_cilium.policy.verdict.options import cluster_of

pytestmark = pytest.mark.unit

CLUSTERS = {"cluster-1": "1.19.7", "cluster-2": "1.18.11"}
CLIENT = Pods("cluster-1", "my-client", {"app": "my-client"})
SERVER = Destination("cluster-2", "my-server", {"app": "my-server"}, (parse_ports("8080/TCP"),))
INTENT = Intent("client-to-server", CLIENT, SERVER)
DENY = DefaultDeny(Pods("cluster-2", "my-server"), ("ingress",))
FLOW = Flow(
    Pod("cluster-1", "my-client", CLIENT.labels), Pod("cluster-2", "my-server", SERVER.labels), Port(8080)
)
WRITTEN = {"port": "8080/TCP"}
DENY_ALL = """\
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: deny-all, namespace: my-client}
spec: {endpointSelector: {}, egress: [{}]}
"""


class Files:
    """Texts by path, and how often each was read."""

    def __init__(self, **texts: str) -> None:
        self._texts = texts
        self.reads: Counter[str] = Counter()

    def __call__(self, path: str) -> str:
        self.reads[path] += 1
        if path not in self._texts:
            raise FileNotFoundError(2, "No such file or directory", path)
        return self._texts[path]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Counts how often each object is parsed, generated, checked and how often each flow is evaluated."""
    counted: Counter[str] = Counter()

    def count(name: str, key: Callable[[Any], str]) -> None:
        original = getattr(compiler, name)

        def counting(argument: Any, *args: Any, **kwargs: Any) -> Any:
            counted[f"{name} {key(argument)}"] += 1
            return original(argument, *args, **kwargs)

        monkeypatch.setattr(compiler, name, counting)

    count("parse_policies", lambda text: text.splitlines()[2])
    count("policy_pair", lambda intent: intent.name)
    count("deny_by_default", lambda wanted: wanted.name)
    count("check", str)
    evaluate = Evaluator.evaluate

    def counting_evaluate(self: Evaluator, flow: Flow) -> Verdict:
        counted[f"evaluate {flow}"] += 1
        return evaluate(self, flow)

    monkeypatch.setattr(Evaluator, "evaluate", counting_evaluate)
    return counted


def test_every_file_object_and_flow_is_handled_once(calls: Counter[str]) -> None:
    files = Files(policies=DENY_ALL, again=DENY_ALL.replace("deny-all", "again"))
    sources = PolicySources(
        intents=(INTENT,),
        default_deny=(DENY,),
        files=(PolicyFile("cluster-1", "policies"), PolicyFile("cluster-1", "again")),
        must_allow=(Assertion(FLOW, WRITTEN),),
    )

    compiled = compile_policies(sources, CLUSTERS, files)

    assert compiled.problems == ()
    assert files.reads == {"policies": 1, "again": 1}
    assert set(calls.values()) == {1}
    assert len([call for call in calls if call.startswith("check")]) == len(compiled.policies) == 5
    assert len([call for call in calls if call.startswith("evaluate")]) == len(compiled.verdicts) == 1


def test_objects_come_in_the_order_of_their_sources() -> None:
    sources = PolicySources((INTENT,), (DENY,), (PolicyFile("cluster-1", "policies"),))

    compiled = compile_policies(sources, CLUSTERS, Files(policies=DENY_ALL))

    assert compiled.intents == (policy_pair(INTENT),)
    assert compiled.default_deny == (deny_by_default(DENY),)
    ((by_hand,),) = compiled.files
    assert compiled.policies == (*policy_pair(INTENT), deny_by_default(DENY), by_hand)


def test_problems_of_all_sources_come_together_and_no_flow_is_evaluated() -> None:
    ranged = Destination("cluster-1", "other", {}, (parse_ports("1-2/TCP"),))
    sources = PolicySources(
        intents=(Intent("ranged", SERVER, ranged), INTENT, INTENT),
        files=(
            PolicyFile("cluster-1", "none"),
            PolicyFile("cluster-1", "bad"),
            PolicyFile("cluster-1", "bare"),
        ),
        must_deny=(Assertion(FLOW, WRITTEN),),
    )
    bare = DENY_ALL.replace("deny-all", "bare").replace("[{}]", "[{toEndpoints: [{}]}]")
    old = {"cluster-1": "1.15.19", "cluster-2": "1.19.7"}

    compiled = compile_policies(sources, old, Files(bad="a: [", bare=bare))

    assert [problem.path for problem in compiled.problems] == [
        ("intents", 0, "to", "ports", 0),
        ("files", 0, "path"),
        ("files", 1, "path"),
        ("intents", 2),
        ("intents", 2),
        ("files", 2, "path"),
    ]
    assert compiled.problems[0].instead == "1/TCP"
    assert compiled.problems[-1].permit == ("files", 2, "anyCluster")
    assert [len(policies) for policies in compiled.files] == [0, 0, 1]
    assert compiled.verdicts == ()


def test_a_failed_assertion_quotes_what_the_user_wrote_and_leaves_the_verdicts() -> None:
    compiled = compile_policies(
        PolicySources((INTENT,), must_deny=(Assertion(FLOW, WRITTEN),)), CLUSTERS, Files()
    )

    (problem,) = compiled.problems
    assert (problem.path, problem.value) == (("mustDeny", 0), WRITTEN)
    assert [verdict.decision for verdict in compiled.verdicts] == [Decision.ALLOWED]


def test_a_cluster_that_is_not_given_is_an_error_of_the_caller() -> None:
    with pytest.raises(KeyError, match="cluster-2"):
        compile_policies(PolicySources((INTENT,)), {"cluster-1": "1.19.7"}, Files())


def test_an_intent_by_a_label_that_the_agents_leave_out_of_identities_is_refused() -> None:
    clusters: dict[str, str | Cluster] = {
        **CLUSTERS,
        "cluster-1": cluster_of("cluster-1", {"labels": "k8s:!app"}, "1.19.7"),
    }

    problems = compile_policies(PolicySources((INTENT,)), clusters, Files()).problems

    assert {problem.path for problem in problems} == {("intents", 0)}
    assert "a label that Cilium makes part of identities" in problems[0].allowed


def test_an_intent_that_only_allows_is_refused_where_every_policy_denies_by_default() -> None:
    only = Intent("only", CLIENT, SERVER, EnableDefaultDeny(egress=False, ingress=True))
    options = {"enable-non-default-deny-policies": "false"}
    clusters: dict[str, str | Cluster] = {**CLUSTERS, "cluster-1": cluster_of("cluster-1", options, "1.19.7")}

    (problem,) = compile_policies(PolicySources((only,)), clusters, Files()).problems

    assert problem.path == ("intents", 0, "enableDefaultDeny", "egress")
    assert problem.allowed == "true: cilium-config of cluster-1 has enable-non-default-deny-policies: false"
    assert compile_policies(PolicySources((only,)), CLUSTERS, Files()).problems == ()


ELSEWHERE = """\
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: elsewhere, namespace: my-client}
spec:
  endpointSelector: {}
  egress:
    - toEndpoints:
        - matchExpressions:
            - {key: io.cilium.k8s.policy.cluster, operator: In, values: [cluster-2, cluster-3]}
"""


def test_a_selector_of_a_cluster_that_is_not_in_the_stack_is_refused_unless_permitted() -> None:
    file = PolicyFile("cluster-1", "elsewhere")

    (problem,) = compile_policies(PolicySources(files=(file,)), CLUSTERS, Files(elsewhere=ELSEWHERE)).problems

    assert problem.value == {
        "CiliumNetworkPolicy my-client/elsewhere": {"io.cilium.k8s.policy.cluster": "cluster-3"}
    }
    assert "one of the clusters cluster-1, cluster-2" in problem.allowed
    assert problem.permit == ("files", 0, "anyCluster")
    permitted = PolicyFile("cluster-1", "elsewhere", any_cluster=True)
    assert not compile_policies(
        PolicySources(files=(permitted,)), CLUSTERS, Files(elsewhere=ELSEWHERE)
    ).problems


def ranged(ports: str = "8000-8100/TCP", *must: Assertion, denied: bool = False) -> PolicySources:
    """An intent on a range, and a policy written by hand that denies a part of it."""
    to = Destination(SERVER.cluster, SERVER.namespace, SERVER.labels, (parse_ports(ports),) if ports else ())
    return PolicySources(
        (Intent("ranged", CLIENT, to),),
        files=(PolicyFile("cluster-2", "part"),),
        must_allow=() if denied else must,
        must_deny=must if denied else (),
    )


PART = """\
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: part, namespace: my-server}
spec:
  endpointSelector: {}
  ingressDeny: [{toPorts: [{ports: [{port: "8051", endPort: 9000, protocol: TCP}]}]}]
"""


@pytest.mark.parametrize(
    ("ports", "expected"),
    [
        ("8000-8100/TCP", ["8000-8050/TCP allowed", "8051-8100/TCP denied"]),
        ("8000-8050/TCP", ["8000-8050/TCP allowed"]),
        (
            "",
            [
                "1-8050/TCP allowed",
                "8051-9000/TCP denied",
                "9001-65535/TCP allowed",
                "every port/UDP allowed",
                "every port/SCTP allowed",
            ],
        ),
    ],
    ids=["partly denied", "allowed", "every port"],
)
def test_an_intent_is_judged_at_each_of_its_ports(ports: str, expected: list[str]) -> None:
    compiled = compile_policies(ranged(ports), CLUSTERS, Files(part=PART))

    assert compiled.problems == ()
    assert [f"{each.flow.port} {each.decision}" for each in compiled.verdicts] == expected


@pytest.mark.parametrize("denied", [False, True], ids=["mustAllow", "mustDeny"])
def test_an_assertion_has_to_hold_for_each_port_of_a_range(denied: bool) -> None:
    asserted = Flow(FLOW.source, FLOW.destination, Port(8000, "TCP", "8000-8100/TCP", 8100))
    sources = ranged("8000-8100/TCP", Assertion(asserted, WRITTEN), denied=denied)

    (problem,) = compile_policies(sources, CLUSTERS, Files(part=PART)).problems

    part = "8051-8100/TCP is denied" if not denied else "8000-8050/TCP is allowed"
    assert part in problem.allowed
    assert problem.fix
