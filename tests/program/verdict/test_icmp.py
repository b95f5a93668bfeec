"""Messages of ICMP are judged by their types, as Cilium's own engine does."""

import pytest
import yaml

from eks_cilium.policy.objects import Policy, check
from eks_cilium.policy.objects.agents import Agents
from eks_cilium.policy.verdict import Cluster, Evaluator, Flow, Pod, Port, SelectorScope
from eks_cilium.policy.verdict.ranges import verdicts_on
from lab.toolchain import Toolchain
from tests.program.verdict.oracle import Case, ours, theirs

CLIENT = Pod("cluster-1", "red", {"app": "client"}, {}, "default", {})
SERVER = Pod("cluster-1", "red", {"app": "server"}, {}, "default", {})
ENTRIES = (
    "egress: [{icmps: [{fields: [{type: 8}]}]}]",
    "egress: [{icmps: [{fields: [{type: EchoRequest}, {type: 3}]}]}]",
    "egress: [{icmps: [{fields: [{type: EchoReply}]}]}]",
    "egress: [{icmps: [{fields: [{type: 128, family: IPv6}]}]}]",
    "egress: [{toEndpoints: [{matchLabels: {app: server}}]}]",
    "egress: [{toEndpoints: [{matchLabels: {app: server}}], icmps: [{fields: [{type: 8}]}]}]",
    "egress: [{toEndpoints: [{matchLabels: {app: other}}], icmps: [{fields: [{type: 8}]}]}]",
    "egress: [{toPorts: [{ports: [{port: '0', protocol: ANY}]}]}]",
    "egress: [{toPorts: [{ports: [{port: '8', protocol: TCP}]}]}]",
    "egress: [{toEntities: [all]}], egressDeny: [{icmps: [{fields: [{type: 8}]}]}]",
    "egress: [{toEntities: [all]}], egressDeny: [{toPorts: [{ports: [{port: '8', protocol: TCP}]}]}]",
)


def clusters(entries: str, version: str = "1.20.2") -> tuple[Cluster, ...]:
    written = {
        "apiVersion": "cilium.io/v2",
        "kind": "CiliumNetworkPolicy",
        "metadata": {"name": "rule", "namespace": "red"},
    }
    spec = yaml.safe_load(f"{{endpointSelector: {{}}, {entries}}}")
    policy = Policy("cluster-1", {**written, "spec": spec})
    return (Cluster("cluster-1", SelectorScope.OWN_CLUSTER, (policy,), agents=Agents(version)),)


def egress(entries: str, number: int, version: str = "1.20.2") -> str:
    flow = Flow(CLIENT, SERVER, Port(number, "ICMP"))
    return str(Evaluator(clusters(entries, version)).evaluate(flow).egress.decision)


@pytest.mark.unit
@pytest.mark.parametrize(
    ("entries", "expected"),
    list(
        zip(
            ENTRIES,
            [
                *(
                    ("allowed", "denied"),
                    ("allowed", "allowed"),
                    ("allowed", "allowed"),
                    ("denied", "denied"),
                ),
                *(("allowed", "allowed"), ("allowed", "denied"), ("denied", "denied"), ("denied", "denied")),
                *(("denied", "denied"), ("denied", "allowed"), ("allowed", "allowed")),
            ],
            strict=True,
        )
    ),
)
def test_a_message_is_judged_by_its_type(entries: str, expected: tuple[str, str]) -> None:
    assert (egress(entries, 8), egress(entries, 3)) == expected


@pytest.mark.unit
def test_up_to_1_15_a_reply_to_an_echo_is_no_other_type() -> None:
    entries = "egress: [{icmps: [{fields: [{type: 0}]}]}]"

    assert [egress(entries, number, "1.15.19") for number in (0, 8)] == ["allowed", "denied"]


@pytest.mark.unit
def test_up_to_1_15_agents_cannot_read_a_type_by_its_name() -> None:
    (left_out,) = Evaluator(clusters(ENTRIES[2], "1.15.19")).not_evaluated

    assert "type is 'EchoReply', allowed: a whole number" in left_out.why
    assert Evaluator(clusters(ENTRIES[2], "1.16.19")).not_evaluated == ()


@pytest.mark.unit
def test_every_type_is_split_where_the_answer_changes() -> None:
    flow = Flow(CLIENT, SERVER, Port(0, "ICMP", "every type/ICMP", 255))

    found = verdicts_on(Evaluator(clusters(ENTRIES[0])), flow)

    assert [f"{each.flow.port} {each.decision}" for each in found] == [
        "0-7/ICMP denied",
        "8/ICMP allowed",
        "9-255/ICMP denied",
    ]


@pytest.mark.unit
@pytest.mark.parametrize(
    ("field", "sound"),
    [
        ("{type: EchoRequest}", True),
        ("{type: PacketTooBig, family: IPv6}", True),
        ("{type: PacketTooBig}", False),
        ("{type: Photuris, family: IPv6}", False),
    ],
)
def test_a_name_of_the_other_family_is_refused(field: str, sound: bool) -> None:
    (cluster,) = clusters(f"ingress: [{{icmps: [{{fields: [{field}]}}]}}]")

    assert (check(cluster.policies[0], "1.20.2") == []) is sound


@pytest.mark.control_plane
def test_cilium_judges_the_same_messages_alike(toolchain: Toolchain) -> None:
    flows = tuple(Flow(CLIENT, SERVER, Port(number, "ICMP")) for number in (3, 8))
    cases = [Case(clusters(entries), flows, entries) for entries in ENTRIES]

    assert [ours(case) for case in cases] == theirs(toolchain.oracle(), cases)
