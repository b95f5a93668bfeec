"""Facts as they are read from the API server's and AWS's answers."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from eks_cilium.cluster.objects import Reference
from eks_cilium.cluster.selectors import Requirement
from eks_cilium.errors import RefusedError
from eks_cilium.migration.facts.model import Facts
from eks_cilium.migration.facts.nodes import node as node_of
from eks_cilium.migration.facts.own_pod import own_pod
from eks_cilium.migration.facts.reading import read
from tests.program.plan.aws import Aws, a_cluster
from tests.program.plan.builders import NOW, ZONES
from tests.program.plan.pod_tokens import IN_A_POD, token_of

pytestmark = pytest.mark.unit


class Api:
    """An API server that holds objects by the path of their collection."""

    def __init__(self, objects: dict[str, list[dict]]) -> None:
        self.objects = objects

    def get(self, path: str) -> dict | None:
        collection, _, name = path.rpartition("/")
        found = (obj for obj in self.objects.get(collection, ()) if obj["metadata"]["name"] == name)
        return next(found, None)

    def each(self, path: str, keep: Callable[[dict], Any], **_: str) -> list[Any]:
        return [keep(obj) for obj in self.objects.get(path, ())]


def named(name: str, namespace: str = "", **more: Any) -> dict[str, Any]:
    metadata = {"name": name, "uid": f"uid-of-{name}", "creationTimestamp": "2026-05-01T10:00:00Z"}
    return {"metadata": metadata | ({"namespace": namespace} if namespace else {}) | more}


def owned(kind: str, name: str) -> dict[str, Any]:
    return {
        "ownerReferences": [{"kind": "Node", "name": "x"}, {"kind": kind, "name": name, "controller": True}]
    }


NODE = named("node-0", labels={"topology.kubernetes.io/zone": ZONES[0]}) | {
    "spec": {
        "providerID": f"aws:///{ZONES[0]}/i-0",
        "taints": [{"key": "dedicated", "effect": "NoSchedule", "value": "db"}],
        "unschedulable": True,
    },
    "status": {
        "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": "2026-05-01T09:00:00Z"}]
    },
}

POD = named(
    "db-0", "shop", labels={"app": "db"}, finalizers=["shop/backup"], **owned("StatefulSet", "db")
) | {
    "spec": {
        "nodeName": "node-0",
        "terminationGracePeriodSeconds": 60,
        "nodeSelector": {"disk": "fast"},
        "affinity": {
            "nodeAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": {
                    "nodeSelectorTerms": [
                        {"matchExpressions": [{"key": "arch", "operator": "In", "values": ["arm64"]}]},
                        {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["node-0"]}]},
                    ]
                }
            }
        },
        "tolerations": [{"operator": "Exists"}],
        "volumes": [
            {"name": "data", "persistentVolumeClaim": {"claimName": "data-db-0"}},
            {"name": "scratch", "ephemeral": {"volumeClaimTemplate": {}}},
            {"name": "tmp", "emptyDir": {}},
            {"name": "settings", "configMap": {"name": "settings"}},
        ],
    },
    "status": {
        "phase": "Running",
        "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": "2026-05-01T10:00:42Z"}],
    },
}

BUDGET = named("db", "shop", generation=2) | {
    "spec": {"maxUnavailable": "34%", "selector": {"matchLabels": {"app": "db"}}},
    "status": {
        "observedGeneration": 2,
        "expectedPods": 3,
        "currentHealthy": 3,
        "desiredHealthy": 1,
        "disruptionsAllowed": 2,
        "conditions": [{"type": "DisruptionAllowed", "status": "True", "reason": "SufficientPods"}],
    },
}

VOLUME = named("pv-1") | {
    "spec": {
        "claimRef": {"namespace": "shop", "name": "data-db-0"},
        "csi": {"driver": "ebs.csi.aws.com", "volumeHandle": "vol-1"},
        "accessModes": ["ReadWriteOnce"],
        "nodeAffinity": {
            "required": {
                "nodeSelectorTerms": [
                    {
                        "matchExpressions": [
                            {"key": "topology.kubernetes.io/zone", "operator": "In", "values": [ZONES[0]]}
                        ]
                    }
                ]
            }
        },
    }
}

CUSTOM_NETWORK = "AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG"
AWS_NODE = named("aws-node", "kube-system") | {
    "spec": {
        "template": {
            "spec": {
                "containers": [
                    {
                        "env": [
                            {"name": "AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG", "value": "true"},
                            {"name": "MY_NODE_NAME"},
                        ]
                    },
                    {},
                ]
            }
        }
    },
    "status": {"desiredNumberScheduled": 1, "numberReady": 1},
}


def replica_set(name: str, replicas: int) -> dict[str, Any]:
    return named(name, "shop", **owned("Deployment", "web")) | {"spec": {"replicas": replicas}, "status": {}}


OBJECTS = {
    "/api/v1/nodes": [NODE],
    "/apis/storage.k8s.io/v1/csinodes": [
        named("node-0")
        | {
            "spec": {
                "drivers": [
                    {"name": "ebs.csi.aws.com", "allocatable": {"count": 25}},
                    {"name": "efs.csi.aws.com"},
                ]
            }
        }
    ],
    "/api/v1/pods": [POD, named("unbound", "shop") | {"spec": {}, "status": {"phase": "Pending"}}],
    "/apis/policy/v1/poddisruptionbudgets": [BUDGET],
    "/apis/apps/v1/deployments": [
        named("web", "shop") | {"spec": {"replicas": 2}, "status": {"readyReplicas": 1}},
        named("aws-cluster-autoscaler", "kube-system") | {"spec": {"replicas": 1}},
    ],
    "/apis/apps/v1/replicasets": [replica_set("web-new", 2), replica_set("web-old", 0)],
    "/apis/apps/v1/statefulsets": [named("db", "shop") | {"spec": {"replicas": 3}}],
    "/apis/batch/v1/jobs": [named("import", "shop", **owned("CronJob", "imports")) | {"spec": {}}],
    "/apis/apps/v1/namespaces/kube-system/daemonsets": [AWS_NODE],
    "/api/v1/persistentvolumeclaims": [
        named("data-db-0", "shop") | {"spec": {"volumeName": "pv-1"}, "status": {"phase": "Bound"}}
    ],
    "/api/v1/persistentvolumes": [VOLUME, named("free") | {"spec": {"accessModes": []}}],
    "/apis/storage.k8s.io/v1/volumeattachments": [
        named("a") | {"spec": {"nodeName": "node-0", "source": {"persistentVolumeName": "pv-1"}}},
        named("b") | {"spec": {"nodeName": "node-0", "source": {"inlineVolumeSpec": {}}}},
    ],
    "/apis/vpcresources.k8s.aws/v1beta1/securitygrouppolicies": [named("clients", "shop")],
    "/api/v1/services": [
        named("web", "shop") | {"spec": {"type": "LoadBalancer"}},
        named("db", "shop") | {"spec": {"type": "ClusterIP"}},
    ],
}


@pytest.fixture
def facts() -> Facts:
    aws = Aws()
    a_cluster(aws, {"i-0": ZONES[0]})
    found = read("shop", Api(OBJECTS), aws, clock=lambda: NOW)
    aws.all_asked()
    return found


def test_a_node(facts: Facts):
    (node,) = facts.nodes

    assert (node.name, node.instance, node.zone) == ("node-0", "i-0", ZONES[0])
    assert (node.ready, node.unschedulable) == (True, True)
    assert (node.taints[0].key, node.taints[0].effect) == ("dedicated", "NoSchedule")
    assert node.volume_limits == {"ebs.csi.aws.com": 25}
    assert node.created == datetime(2026, 5, 1, 10, tzinfo=UTC)


def test_how_long_a_node_took_to_join(facts: Facts):
    assert facts.join_seconds == (75,)


def test_a_pod_that_is_bound_and_none_that_is_not(facts: Facts):
    (pod,) = facts.pods

    assert pod.owner == Reference("StatefulSet", "shop", "db")
    assert pod.claims == ("data-db-0", "db-0-scratch")
    assert pod.local_volumes == ("tmp",)
    assert pod.finalizers == ("shop/backup",)
    assert (pod.grace_seconds, pod.ready, pod.tolerates_cordon) == (60, True, True)
    assert pod.seconds_to_ready == 42
    assert pod.node_requirements == (
        (Requirement("disk", "In", ("fast",)), Requirement("arch", "In", ("arm64",))),
        (Requirement("disk", "In", ("fast",)), Requirement("kubernetes.io/hostname", "In", ("node-0",))),
    )


def test_a_budget(facts: Facts):
    (budget,) = facts.budgets

    assert (budget.max_unavailable, budget.min_available) == ("34%", None)
    assert (budget.generation, budget.observed_generation) == (2, 2)
    assert (budget.expected_pods, budget.current_healthy, budget.desired_healthy) == (3, 3, 1)
    assert budget.disruptions_allowed == 2
    assert budget.unhealthy_policy == "IfHealthyBudget"
    assert budget.sync_failure == ""


def test_workloads_without_replica_sets_of_the_past(facts: Facts):
    web = Reference("Deployment", "shop", "web")

    assert facts.owners[Reference("ReplicaSet", "shop", "web-new")].owner == web
    assert facts.owners[web].desired == 2
    assert Reference("ReplicaSet", "shop", "web-old") not in facts.owners
    assert facts.owners[Reference("Job", "shop", "import")].desired is None
    assert facts.autoscaler == Reference("Deployment", "kube-system", "aws-cluster-autoscaler")


def test_a_volume_with_its_zone_and_where_it_is_attached(facts: Facts):
    assert list(facts.volumes) == ["pv-1"]
    volume = facts.volumes["pv-1"]
    assert (volume.driver, volume.local, volume.shared) == ("ebs.csi.aws.com", False, False)
    assert volume.terms == ((Requirement("topology.kubernetes.io/zone", "In", (ZONES[0],)),),)
    assert volume.attached_to == ("node-0",)
    assert facts.claims[Reference("PersistentVolumeClaim", "shop", "data-db-0")].volume == "pv-1"


def test_an_auto_scaling_group_with_its_node_group(facts: Facts):
    (group,) = facts.groups

    assert (group.name, group.node_group) == ("eks-workers", "workers")
    assert (group.minimum, group.desired, group.maximum) == (1, 1, 6)
    assert group.zones == ZONES
    assert group.suspended == ("AZRebalance",)
    assert group.tags == {"team": "shop"}
    assert (group.hooks[0].name, group.hooks[0].transition) == ("drain", "EC2_INSTANCE_TERMINATING")
    assert [instance.id for instance in group.instances] == ["i-0"]


def test_settings_by_which_auto_scaling_replaces_instances():
    aws = Aws()
    a_cluster(aws, {"i-0": ZONES[0]}, MaxInstanceLifetime=604800, CapacityRebalance=True)

    (group,) = read("shop", Api(OBJECTS), aws).groups

    assert (group.longest_life, group.rebalances_spot) == (604800, True)


def test_the_cluster_its_add_on_and_aws_node(facts: Facts):
    assert facts.cluster.version == "1.34"
    assert not facts.cluster.auto_mode
    assert facts.add_on is not None
    assert facts.add_on.version == "v1.20.4-eksbuild.2"
    assert facts.aws_node is not None
    assert (facts.aws_node.desired, facts.aws_node.ready, facts.aws_node.custom_network) == (1, 1, True)
    assert facts.security_group_policies == (Reference("SecurityGroupPolicy", "shop", "clients"),)
    assert facts.load_balancers == (Reference("Service", "shop", "web"),)
    assert facts.read_at == NOW


def test_a_self_managed_aws_node_has_no_add_on():
    aws = Aws()
    a_cluster(aws, {"i-0": ZONES[0]}, add_on=False)

    assert read("shop", Api(OBJECTS), aws).add_on is None


def test_a_cluster_that_does_not_exist_is_named():
    aws = Aws()
    aws.refuses("eks", "describe_cluster", "ResourceNotFoundException")

    with pytest.raises(RefusedError, match="EKS has no cluster named shop"):
        read("shop", Api({}), aws)


def test_instances_are_asked_for_in_portions():
    aws = Aws()
    count = 120
    nodes = [
        named(f"node-{number}") | {"spec": {"providerID": f"aws:///{ZONES[0]}/i-{number:03}"}, "status": {}}
        for number in range(count)
    ]
    described = {"name": "shop", "version": "1.34", "status": "ACTIVE"}
    aws.answers("eks", "describe_cluster", {"cluster": described})
    aws.answers("eks", "list_nodegroups", {"nodegroups": []})
    aws.refuses("eks", "describe_addon", "ResourceNotFoundException")
    for start in (0, 50, 100):
        asked = [f"i-{number:03}" for number in range(start, min(start + 50, count))]
        answer = {"AutoScalingInstances": []}
        aws.answers("autoscaling", "describe_auto_scaling_instances", answer, InstanceIds=asked)

    facts = read("shop", Api({"/api/v1/nodes": nodes}), aws)

    aws.all_asked()
    assert len(facts.nodes) == count
    assert facts.groups == ()


@pytest.mark.parametrize(
    ("provider", "instance"),
    [
        ("aws:///eu-central-1a/i-0123456789abcdef0", "i-0123456789abcdef0"),
        ("aws:///eu-central-1a/0f2-ab/fargate-ip-10-0-0-1", None),
        ("eks-hybrid:///eu-central-1/shop/mi-0123", None),
        ("", None),
    ],
)
def test_only_instances_of_ec2_have_an_id(provider, instance):
    assert node_of(named("n") | {"spec": {"providerID": provider}}, {}).instance == instance


def test_this_program_knows_its_own_pod_only_inside_a_cluster(tmp_path):
    assert own_pod(IN_A_POD, tmp_path) is None
    (tmp_path / "namespace").write_text("ci\n")
    assert own_pod(IN_A_POD, tmp_path) == Reference("Pod", "ci", "runner-1")
    assert own_pod({"HOSTNAME": "laptop"}, tmp_path) is None


def test_the_token_of_a_pod_names_it_where_its_host_name_does_not(tmp_path):
    """With hostNetwork the host name is the node's."""
    (tmp_path / "namespace").write_text("ci")
    (tmp_path / "token").write_text(token_of("ci", "runner-7d9f-x2x"))

    on_the_host = IN_A_POD | {"HOSTNAME": "ip-10-0-0-1.eu-central-1.compute.internal"}

    assert own_pod(on_the_host, tmp_path) == Reference("Pod", "ci", "runner-7d9f-x2x")


@pytest.mark.parametrize(
    "variable", ["AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"]
)
def test_a_pod_without_a_token_of_the_cluster_is_named_by_that_of_aws(tmp_path, variable):
    file = tmp_path / "aws"
    file.write_text(token_of("ci", "runner-2"))

    assert own_pod(IN_A_POD | {variable: str(file)}, tmp_path) == Reference("Pod", "ci", "runner-2")


@pytest.mark.parametrize("token", ["", "opaque", "a.b.c", "a.bnVsbA.c", "a.W10.c"])
def test_a_token_that_names_no_pod_is_passed_over(tmp_path, token):
    (tmp_path / "token").write_text(token)
    (tmp_path / "namespace").write_text("ci")

    assert own_pod(IN_A_POD, tmp_path) == Reference("Pod", "ci", "runner-1")
