"""`eks-cilium verdict` over what clusters say of themselves: what it prints, and how it ends."""

import json
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

import httpx
import pytest

from eks_cilium.cli.output import print_parts
from eks_cilium.clients.kubernetes import KubernetesApi, Patience
from eks_cilium.cluster.cilium_objects import cilium_objects
from eks_cilium.errors import TransientError, UserError
from tests.program.cli.command import Ended, eks_cilium

pytestmark = pytest.mark.unit

BOTH = ("--context", "one", "--context", "two")
ALLOW: dict[str, Any] = {
    "apiVersion": "cilium.io/v2",
    "kind": "CiliumNetworkPolicy",
    "metadata": {"name": "allow", "namespace": "my-client"},
    "spec": {
        "endpointSelector": {},
        "egress": [{"toEndpoints": [{"matchLabels": {"io.kubernetes.pod.namespace": "my-server"}}]}],
    },
}


@dataclass
class Cluster:
    """What is read of a cluster."""

    config: dict[str, str]
    endpoints: list[dict[str, Any]] = field(default_factory=list)
    pods: list[dict[str, Any]] = field(default_factory=list)
    policies: list[dict[str, Any]] = field(default_factory=list)
    groups: list[dict[str, Any]] = field(default_factory=list)
    services: list[dict[str, Any]] | None = None
    node_configs: list[dict[str, Any]] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    cluster_ips: list[tuple[str, str]] = field(default_factory=list)
    malformed: list[str] = field(default_factory=list)


def endpoint(cluster: str, namespace: str, name: str, app: str) -> dict[str, Any]:
    labels = {
        "app": app,
        "io.kubernetes.pod.namespace": namespace,
        "io.cilium.k8s.policy.cluster": cluster,
        "io.cilium.k8s.policy.serviceaccount": "default",
        "io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name": namespace,
    }
    return {
        "metadata": {"name": name, "namespace": namespace},
        "labels": [f"k8s:{key}={value}" for key, value in labels.items()],
        "namedPorts": [{"name": "http", "port": 8080, "protocol": "TCP"}],
    }


def pod(namespace: str, name: str, *ports: int) -> dict[str, Any]:
    return {
        "namespace": namespace,
        "name": name,
        "hostNetwork": False,
        "ports": [{"containerPort": port} for port in ports],
    }


def clusters(own: str = "false") -> dict[str, Cluster]:
    first = Cluster(
        {"cluster-name": "cluster-1", "policy-default-local-cluster": own},
        [
            endpoint("cluster-1", "my-client", "client-1", "client"),
            endpoint("cluster-1", "my-client", "client-2", "client"),
        ],
        [pod("my-client", "client-1"), pod("my-client", "client-2"), pod("kube-system", "cilium-x")],
        [ALLOW],
    )
    second = Cluster(
        {"cluster-name": "cluster-2", "policy-default-local-cluster": own, "enable-policy": "default"},
        [endpoint("cluster-2", "my-server", "server-1", "server")],
        [pod("my-server", "server-1", 8080)],
    )
    return {"one": first, "two": second}


def run(*arguments: str, found: dict[str, Cluster] | None = None) -> Ended:
    return eks_cilium("verdict", *arguments, objects=lambda _, context: (found or clusters())[context])


def test_it_judges_the_pods_of_all_clusters_at_the_ports_they_listen_on() -> None:
    ended = run(*BOTH, "--from", "cluster-1/*", "--to", "cluster-2/my-server/app=server")

    assert ended.status == 0
    assert (
        "cluster-1: 1 policies, 2 pods of 1 identities, 1 pods beside them are not under policies"
        in ended.out
    )
    line = next(
        line for line in ended.out.splitlines() if line.startswith("cluster-1/my-client client-1 and 1 more")
    )
    assert "cluster-2/my-server server-1  8080/TCP  allowed  allowed by my-client/allow egress[0]" in line


def test_it_says_what_1_19_changes_and_for_which_traffic() -> None:
    printed = run(*BOTH, "--from", "cluster-1/*", "--to", "cluster-2/*").out

    assert "Read differently from Cilium 1.19 on:" in printed
    assert "at 8080/TCP: allowed, from 1.19 on denied" in printed


def test_it_reads_the_meaning_from_the_cluster() -> None:
    ended = run(
        *(*BOTH, "--from", "cluster-1/*", "--to", "cluster-2/*", "--expect", "denied"), found=clusters("true")
    )

    assert ended.status == 0
    assert "a selector without a cluster means own cluster" in ended.out


def test_what_1_19_changed_already_is_not_said_to_change() -> None:
    assert "Read differently" not in run(*BOTH, found=clusters("true")).out


def test_options_that_decide_verdicts_are_in_the_headline() -> None:
    found = clusters()
    found["one"].config |= {"labels": "k8s:!job", "enable-non-default-deny-policies": "false"}

    headline = run(*BOTH, found=found).out.splitlines()[0]

    assert headline.endswith(
        "enforcement default; enableDefaultDeny does not count; identities have labels by 'k8s:!job'"
    )


def test_another_verdict_than_expected_ends_with_2() -> None:
    outside = ("--from", "cluster-1/*", "--to", "203.0.113.10", "--port", "443/TCP")

    assert run(*BOTH, *outside, "--expect", "allowed").status == 2


def test_endpoints_may_be_addresses_and_entities() -> None:
    ended = run(
        *(*BOTH, "--from", "entity:remote-node", "--to", "cluster-2/*", "--port", "80/TCP"),
        *("--format", "json"),
    )

    assert ended.status == 0
    (flow,) = json.loads(ended.out)["verdicts"]
    assert (flow["from"], flow["verdict"]) == ({"entity": "remote-node"}, "allowed")


@pytest.mark.parametrize("name", ["kube-apisrver", "", "cluster", "all"])
def test_a_name_that_is_no_reserved_identity_is_refused(name: str) -> None:
    ended = run(*BOTH, "--from", "cluster-1/*", "--to", f"entity:{name}")

    assert ended.status == 1
    assert f"--to entity:{name} is no endpoint: allowed are health, host" in ended.err


DENIED = ("--from", "cluster-1/*", "--to", "203.0.113.10", "--port", "443/TCP", "--expect", "denied")


def test_in_audit_mode_nothing_is_denied_and_the_report_says_why() -> None:
    found = clusters()
    assert run(*BOTH, *DENIED, found=found).status == 0
    found["one"].config["policy-audit-mode"] = "true"

    ended = run(*BOTH, *DENIED, found=found)

    assert ended.status == 2
    assert (
        "policy-audit-mode blocks nothing, it only records; else denied by default of my-client/allow"
        in ended.out
    )
    assert "but policy-audit-mode: nothing is blocked" in ended.out


@pytest.mark.parametrize("option", ["enable-cilium-network-policy", "enable-policy"])
def test_what_is_switched_off_denies_nothing(option: str) -> None:
    found = clusters()
    found["one"].config[option] = "never" if option == "enable-policy" else "false"

    ended = run(*BOTH, *DENIED, found=found)

    assert ended.status == 2
    if option != "enable-policy":
        assert "agents do not read it: cilium-config has enable-cilium-network-policy: false" in ended.out


@pytest.mark.parametrize(("release", "status"), [("v1.15.19", 0), ("v1.16.19", 2)])
def test_the_release_is_that_of_the_agents(release: str, status: int) -> None:
    found = clusters()
    found["one"].pods.append(
        {**pod("kube-system", "cilium-y"), "agent": f"quay.io/cilium/cilium:{release}@sha256:ab"}
    )
    label = "io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name"
    found["one"].policies[0] = {
        **ALLOW,
        "spec": {
            "endpointSelector": {},
            "egress": [{"toEndpoints": [{"matchLabels": {label: "my-server"}}]}],
        },
    }

    ended = run(*BOTH, "--from", "cluster-1/*", "--to", "cluster-2/*", "--expect", "denied", found=found)

    assert ended.status == status


@pytest.mark.parametrize("release", ["1.14.5", "1.21.0"])
def test_a_release_whose_policies_are_not_known_is_refused_by_name(release: str) -> None:
    found = clusters()
    found["one"].pods.append({**pod("kube-system", "cilium-y"), "agent": f"cilium:v{release}"})

    ended = run(*BOTH, found=found)

    assert (ended.status, ended.out) == (1, "")
    assert f"agents of cluster-1 are of Cilium {release}, and how it reads policies is not known" in ended.err


def test_a_range_that_is_allowed_in_part_is_no_denial() -> None:
    found = clusters()
    ports = [{"port": "8000", "endPort": 8050, "protocol": "TCP"}]
    egress = [{"toCIDR": ["203.0.113.0/24"], "toPorts": [{"ports": ports}]}]
    found["one"].policies[0] = {**ALLOW, "spec": {"endpointSelector": {}, "egress": egress}}
    flow = ("--from", "cluster-1/*", "--to", "203.0.113.10", "--port", "8000-8100/TCP")

    for expected in ("allowed", "denied"):
        ended = run(*BOTH, *flow, "--expect", expected, found=found)
        assert ended.status == 2
    assert "8000-8050/TCP  allowed" in ended.out
    assert "8051-8100/TCP  denied" in ended.out


def test_identities_with_the_old_name_of_the_cluster_are_judged_and_named() -> None:
    found = clusters()
    found["one"].endpoints[0] = endpoint("old-name", "my-client", "client-1", "client")

    ended = run(*BOTH, "--from", "cluster-1/*", "--to", "cluster-2/*", found=found)

    assert ended.status == 0
    assert "cluster-1: pods have identities of cluster old-name" in " ".join(ended.out.split())


FLOW = ("--from", "cluster-1/*", "--to", "cluster-2/*", "--port", "80/TCP")


def test_it_explains_a_flow() -> None:
    ended = run(*BOTH, *FLOW, "--why")

    assert ended.status == 0
    assert "CiliumNetworkPolicy my-client/allow egress[0] allows it: toEndpoints[0] means it" in ended.out
    assert "  ingress of cluster-2/my-server server-1: allowed: no policy selects it" in ended.out
    assert "      kind: CiliumNetworkPolicy" in ended.out
    assert "```text" in run(*BOTH, *FLOW, "--why", "--format", "markdown").out


def test_an_explanation_is_part_of_the_document() -> None:
    ended = run(*BOTH, *FLOW, "--why", "--format", "json")

    (verdict,) = json.loads(ended.out)["verdicts"]
    assert verdict["why"]["egress"]["entries"][0]["rule"] == "egress[0]"
    assert verdict["why"]["changes"][0]["object"]["kind"] == "CiliumNetworkPolicy"
    assert "why" not in json.loads(run(*BOTH, *FLOW, "--format", "json").out)["verdicts"][0]


def test_more_verdicts_than_a_person_reads_are_not_explained() -> None:
    found = clusters()
    found["two"].endpoints += [endpoint("cluster-2", "my-server", f"s{n}", f"s{n}") for n in range(20)]

    ended = run(*BOTH, *FLOW, "--why", found=found)

    assert (ended.status, ended.out) == (1, "")
    assert "--why explains at most 20 verdicts, and these are 21" in ended.err


def test_an_address_of_a_pod_or_a_node_stands_for_it() -> None:
    found = clusters()
    found["two"].endpoints[0]["addresses"] = ["10.2.0.7"]
    found["two"].pods[0]["nodeAddress"] = "10.2.9.9"

    assert (
        "cluster-2/my-server server-1"
        in run(*BOTH, "--from", "cluster-1/*", "--to", "10.2.0.7", found=found).out
    )
    on_node = run(*BOTH, "--from", "cluster-1/*", "--to", "10.2.9.9", "--port", "80/TCP", found=found).out
    assert "host" in on_node
    assert "remote-node" in on_node


def test_an_address_of_a_service_is_refused_with_what_to_name_instead() -> None:
    found = clusters()
    found["two"].cluster_ips = [("172.20.0.10", "kube-system/kube-dns")]

    ended = run(*BOTH, "--from", "cluster-1/*", "--to", "172.20.0.10", found=found)

    assert ended.status == 1
    assert "--to 172.20.0.10 is Service kube-system/kube-dns of cluster-2" in ended.err


def test_a_label_that_is_part_of_no_identity_is_named() -> None:
    label = "statefulset.kubernetes.io/pod-name"

    ended = run(*BOTH, "--from", f"cluster-1/my-client/{label}=web-0")

    assert ended.status == 1
    assert f"Cilium makes {label} no part of identities" in ended.err


def many(count: int) -> dict[str, Cluster]:
    """A cluster with that many workloads of an identity each, ten in a namespace, and a policy for one."""
    names = [(f"space-{number // 10}", f"app-{number}") for number in range(count)]
    cluster = Cluster(
        {"cluster-name": "cluster-1"},
        [endpoint("cluster-1", space, f"{name}-x", name) for space, name in names],
        [{**pod(space, f"{name}-x", 80), "workload": name} for space, name in names],
        [
            {
                **ALLOW,
                "metadata": {"name": "only", "namespace": "space-0"},
                "spec": {
                    "endpointSelector": {},
                    "ingress": [{"fromEndpoints": [{"matchLabels": {"app": "app-1"}}]}],
                },
            }
        ],
    )
    return {"one": cluster}


def test_many_flows_are_grouped_by_namespace_and_workload_the_most_open_first() -> None:
    ended = run("--context", "one", "--rows", "2", found=many(60))

    assert ended.status == 0
    assert "3540 flows: 2959 allowed, 581 denied, 0 undecided" in ended.out
    rows = ended.out.partition("TO ")[2].splitlines()
    assert rows[1].split()[-8:] == [
        "cluster-1/space-4/*,",
        "cluster-1/space-5/*",
        *["80/TCP", "59", "of", "59", "every", "workload"],
    ]
    assert rows[2].startswith("cluster-1/space-0/{app-0, app-2, app-3, app-4, app-5, app-6 and 3 more} ")
    assert rows[2].split()[-4:] == ["1", "of", "59", "cluster-1/space-0/app-1"]
    assert "1 more rows: see them with --rows 0" in ended.out
    assert "0 of 59   none" in run("--context", "one", "--rows", "0", found=many(60)).out


def test_up_to_500_flows_are_in_the_document_with_their_reasons() -> None:
    found = json.loads(run("--context", "one", "--format", "json", found=many(15)).out)

    assert (found["schema"], len(found["verdicts"])) == ("eks-cilium/verdicts/v1", 15 * 14)


def test_all_of_many_flows_are_in_the_document() -> None:
    found = json.loads(run("--context", "one", "--format", "json", found=many(60)).out)

    assert found["schema"] == "eks-cilium/verdict-overview/v1"
    assert len(found["endpoints"]) == 60
    flows = [
        source for each in found["reached"] for key in ("allowed", "denied") for source in each.get(key, ())
    ]
    assert len(flows) == 60 * 59


@pytest.mark.endurance
def test_a_cluster_of_a_thousand_identities_is_a_table_that_a_person_reads() -> None:
    ended = run("--context", "one", found=many(1000))

    assert "999000 flows: 989019 allowed, 9981 denied, 0 undecided" in ended.out
    assert len(ended.out.splitlines()) < 20


@pytest.mark.parametrize(("expected", "status"), [("allowed", 2), ("denied", 2)])
def test_one_of_many_flows_that_is_not_as_expected_ends_with_2(expected: str, status: int) -> None:
    assert run("--context", "one", "--expect", expected, found=many(60)).status == status


def test_options_that_differ_between_nodes_are_said_and_count() -> None:
    found = clusters()
    found["one"].node_configs = [{"name": "canary", "defaults": {"policy-audit-mode": "true"}}]

    ended = run(*BOTH, *DENIED, found=found)

    assert ended.status == 2
    assert "cluster-1: CiliumNodeConfig canary sets policy-audit-mode: true on some nodes" in ended.out


def test_clusters_that_policies_name_and_that_were_not_read_are_named() -> None:
    found = clusters()
    peer = {"matchLabels": {"io.cilium.k8s.policy.cluster": "cluster-3"}}
    found["one"].policies[0] = {
        **ALLOW,
        "spec": {"endpointSelector": {}, "egress": [{"toEndpoints": [peer]}]},
    }

    ended = run(*BOTH, *FLOW, found=found)

    assert "  cluster-1: cluster-3, first in CiliumNetworkPolicy my-client/allow" in ended.out
    assert "Not read: clusters" not in run(*BOTH, *FLOW).out


def test_kinds_that_may_not_be_read_are_named() -> None:
    found = clusters()
    found["one"].unread = ["ClusterNetworkPolicy"]

    assert "  cluster-1: ClusterNetworkPolicy" in run(*BOTH, *FLOW, found=found).out


def test_it_prints_markdown() -> None:
    assert run(*BOTH, "--format", "markdown").out.startswith("| From | To | Port |")


def test_messages_of_icmp_are_judged_by_their_type() -> None:
    found = clusters()
    found["one"].policies[0] = {
        **ALLOW,
        "spec": {"endpointSelector": {}, "egress": [{"icmps": [{"fields": [{"type": "EchoRequest"}]}]}]},
    }
    to = ("--from", "cluster-1/*", "--to", "cluster-2/*")

    assert run(*BOTH, *to, "--port", "EchoRequest/ICMP", "--expect", "allowed", found=found).status == 0
    assert run(*BOTH, *to, "--port", "3/ICMP", "--expect", "denied", found=found).status == 0
    every = run(*BOTH, *to, "--port", "ICMP", "--format", "json", found=found).out
    assert [(each["port"], each["verdict"]) for each in json.loads(every)["verdicts"]] == [
        ("0-7/ICMP", "denied"),
        ("8/ICMP", "allowed"),
        ("9-255/ICMP", "denied"),
    ]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--port", "Ping/ICMP"), "--port: 'Ping' is no type of ICMP"),
        (("--from", "cluster-1"), "--from cluster-1 names no endpoint: allowed are CLUSTER/NAMESPACE"),
        (("--from", "cluster-1"), "all pods of cluster cluster-1 are 'cluster-1/*'"),
        (
            ("--to", "cluster-9/*"),
            "--to cluster-9/* matches no pod that Cilium manages in cluster-1, cluster-2",
        ),
        (("--port", "eighty"), "--port: 'eighty' is no port"),
        (("--context", "one"), "context one is a second cluster called cluster-1"),
    ],
)
def test_what_cannot_be_judged_is_said_in_a_line(arguments: tuple[str, ...], says: str) -> None:
    ended = run(*BOTH, *arguments)

    assert (ended.status, ended.out) == (1, "")
    assert ended.err.startswith("no verdict: ")
    assert says in ended.err


def test_two_contexts_of_one_cluster_are_refused_by_name() -> None:
    ended = eks_cilium(
        *("verdict", "--context", "one", "--context", "again"), objects=lambda *_: clusters()["one"]
    )

    assert (ended.status, ended.out) == (1, "")
    assert ended.err.startswith(
        "no verdict: context again is a second cluster called cluster-1, like context one"
    )


@pytest.mark.parametrize("error", [TransientError("GET /api failed 6 times"), UserError("no context 'one'")])
def test_a_cluster_that_cannot_be_read_is_said_in_a_line(error: Exception) -> None:
    def fails(_: Path, context: str) -> Cluster:
        raise error

    ended = eks_cilium("verdict", *BOTH, objects=fails)

    assert (ended.status, ended.out) == (1, "")
    assert ended.err.splitlines()[0] == f"no verdict: {error}"


def test_a_wrong_command_line_does_not_look_like_a_verdict() -> None:
    assert run(*BOTH, "--format", "xml").status == 1


def test_the_kubeconfig_is_kubectls_unless_one_is_given() -> None:
    asked = []

    def objects(path: Path | None, context: str) -> Cluster:
        asked.append(path)
        return clusters()[context]

    eks_cilium("verdict", "--context", "one", objects=objects)
    eks_cilium("verdict", "--context", "one", "--kubeconfig", "/mine", objects=objects)

    assert asked == [None, Path("/mine")]


def test_without_a_context_the_current_one_is_read() -> None:
    asked = []

    def objects(path: Path | None, context: str) -> Cluster:
        asked.append((path, context))
        return clusters()["one"]

    assert eks_cilium("verdict", objects=objects).status == 0
    assert asked == [(None, "")]


def api(answers: dict[str, Any], forbidden: str = "") -> KubernetesApi:
    def answer(request: httpx.Request) -> httpx.Response:
        assert request.method == "GET"
        found = answers.get(request.url.path)
        if forbidden and forbidden in request.url.path:
            return httpx.Response(403, json={"message": "forbidden"})
        return httpx.Response(200, json=found) if found else httpx.Response(404, json={"message": "none"})

    return KubernetesApi("https://cluster", None, transport=httpx.MockTransport(answer), patience=Patience(1))


def test_objects_are_read_with_the_kinds_that_lists_leave_out() -> None:
    listed = {**ALLOW, "metadata": {**ALLOW["metadata"], "managedFields": []}}
    del listed["kind"], listed["apiVersion"]
    answers = {
        "/api/v1/namespaces/kube-system/configmaps/cilium-config": {"data": {"cluster-name": "a"}},
        "/apis/cilium.io/v2/ciliumnetworkpolicies": {"items": [listed]},
        "/apis/cilium.io/v2/ciliumendpoints": {
            "items": [
                {"metadata": {"name": "p", "namespace": "n"}, "status": {"identity": {"labels": ["k8s:a=b"]}}}
            ]
        },
        "/api/v1/pods": {
            "items": [
                {"metadata": {"name": "p"}, "spec": {"containers": [{"ports": [{"containerPort": 80}]}]}}
            ]
        },
    }

    group = {"metadata": {"name": "office"}, "spec": {"externalCIDRs": ["203.0.113.0/24"]}}
    answers["/apis/cilium.io/v2/ciliumcidrgroups"] = {"items": [group]}

    found = cilium_objects(api(answers), "context one")

    assert found.groups == ({"name": "office", "labels": {}, "networks": ["203.0.113.0/24"]},)
    assert found.policies == (ALLOW,)
    assert found.config == {"cluster-name": "a"}
    assert found.endpoints[0]["labels"] == ["k8s:a=b"]
    assert found.pods[0]["ports"] == [{"containerPort": 80}]


SERVICE = {"selector": {"app": "web"}, "clusterIPs": ["172.20.0.9"]}


@pytest.mark.parametrize(
    ("path", "item", "says"),
    [
        (
            "/apis/cilium.io/v2/ciliumendpoints",
            {"status": {"identity": {"labels": ["a", 5]}}},
            "CiliumEndpoint n/p: labels is ['a', 5], not a list of texts",
        ),
        (
            "/apis/cilium.io/v2/ciliumendpoints",
            {"status": {"named-ports": [{"name": "http", "port": "80"}]}},
            "CiliumEndpoint n/p: port is '80', not a number",
        ),
        ("/apis/cilium.io/v2/ciliumcidrgroups", {"spec": 5}, "CiliumCIDRGroup n/p: spec is 5, not a mapping"),
        (
            "/api/v1/services",
            {"spec": {"selector": {"a": None, "b": []}}},
            "Service n/p: b is [], not a text",
        ),
        (
            "/apis/cilium.io/v2/ciliumnetworkpolicies",
            {"metadata": []},
            "CiliumNetworkPolicy ?: metadata is []",
        ),
        (
            "/apis/cilium.io/v2/ciliumnodeconfigs",
            {"metadata": {}},
            "CiliumNodeConfig ?: metadata has no name",
        ),
    ],
)
def test_an_object_that_is_not_of_its_shape_is_left_out_and_named(path: str, item: Any, says: str) -> None:
    config = "/api/v1/namespaces/kube-system/configmaps/cilium-config"
    item = {"metadata": {"name": "p", "namespace": "n"}, **item}
    answers = {config: {"data": {"cluster-name": "a"}}, path: {"items": [item]}}

    found = cilium_objects(api(answers), "context one")

    assert [line for line in found.malformed if says in line]
    assert not any((found.endpoints, found.groups, found.policies, found.node_configs))


def test_objects_that_were_left_out_are_in_the_report() -> None:
    found = clusters()
    found["one"].malformed = ["CiliumEndpoint n/p: port is '80', not a number"]

    assert "cluster-1: CiliumEndpoint n/p: port is '80', not a number" in run(*BOTH, found=found).out


def test_markup_in_the_text_of_a_cluster_is_only_text_on_a_terminal() -> None:
    printed = StringIO()

    print_parts(["identities have labels by '[/x]'"], printed)

    assert printed.getvalue() == "identities have labels by '[/x]'\n"


def test_a_configuration_that_cannot_be_read_is_said_in_a_line() -> None:
    config = "/api/v1/namespaces/kube-system/configmaps/cilium-config"

    with pytest.raises(UserError, match="cilium-config of context one cannot be read: data is 5"):
        cilium_objects(api({config: {"data": 5}}), "context one")


def test_services_are_read_where_a_policy_names_them() -> None:
    written = {"metadata": {"name": "p", "namespace": "n"}, "spec": {"egress": [{"toServices": [{}]}]}}
    answers: dict[str, Any] = {
        "/api/v1/namespaces/kube-system/configmaps/cilium-config": {"data": {"cluster-name": "a"}},
        "/api/v1/services": {"items": [{"metadata": {"name": "web", "namespace": "n"}, "spec": SERVICE}]},
        "/apis/discovery.k8s.io/v1/endpointslices": {
            "items": [
                {
                    "metadata": {"namespace": "n", "labels": {"kubernetes.io/service-name": "web"}},
                    "endpoints": [{"addresses": ["10.0.3.4"]}],
                }
            ]
        },
    }
    unused = cilium_objects(api(answers), "context one")
    assert (unused.services, unused.cluster_ips) == (None, (("172.20.0.9", "n/web"),))
    assert cilium_objects(api(answers, "services"), "context one").unread == ()

    answers["/apis/cilium.io/v2/ciliumnetworkpolicies"] = {"items": [written]}
    service = {
        "namespace": "n",
        "name": "web",
        "labels": {},
        "selector": {"app": "web"},
        "clusterIPs": ["172.20.0.9"],
        "addresses": ["10.0.3.4"],
    }
    assert cilium_objects(api(answers), "context one").services == (service,)
    refused = cilium_objects(api(answers, "services"), "context one")
    assert (refused.services, refused.unread) == (None, ("Service",))


def test_a_pod_is_read_with_its_workload_and_its_node() -> None:
    replica_set = {"kind": "ReplicaSet", "name": "web-5d9", "controller": True}
    metadata = {"name": "web-5d9-x", "labels": {"pod-template-hash": "5d9"}, "ownerReferences": [replica_set]}
    answers = {
        "/api/v1/namespaces/kube-system/configmaps/cilium-config": {"data": {"cluster-name": "a"}},
        "/api/v1/pods": {"items": [{"metadata": metadata, "spec": {}, "status": {"hostIP": "10.0.0.1"}}]},
        "/apis/policy.networking.k8s.io/v1alpha2/clusternetworkpolicies": {
            "items": [{"metadata": {"name": "all"}, "spec": {"tier": "Admin"}}]
        },
        "/apis/cilium.io/v2/ciliumnodeconfigs": {
            "items": [{"metadata": {"name": "canary"}, "spec": {"defaults": {"policy-audit-mode": "true"}}}]
        },
    }

    found = cilium_objects(api(answers), "context one")

    assert (found.pods[0]["workload"], found.pods[0]["nodeAddress"]) == ("web", "10.0.0.1")
    assert [policy["kind"] for policy in found.policies] == ["ClusterNetworkPolicy"]
    assert found.node_configs == ({"name": "canary", "defaults": {"policy-audit-mode": "true"}},)


def test_a_cluster_without_cilium_is_refused_by_name() -> None:
    with pytest.raises(UserError, match="context one has no ConfigMap kube-system/cilium-config"):
        cilium_objects(api({}), "context one")
