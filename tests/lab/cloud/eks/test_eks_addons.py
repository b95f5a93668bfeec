import json

import pytest

from eks_cilium.clients.add_on_offers import misfits, offer, schema
from tests.lab.cloud.eks.conftest import TIMING

pytestmark = pytest.mark.simulation


@pytest.fixture
def lab(lab):
    lab.cluster()
    return lab


def create(lab, name="coredns", **wanted):
    return lab.client.create_addon(clusterName="demo", addonName=name, **wanted)["addon"]


def describe(lab, name="coredns"):
    return lab.client.describe_addon(clusterName="demo", addonName=name)["addon"]


def active(lab, name="coredns", **wanted):
    create(lab, name, **wanted)
    lab.pass_time(TIMING.addon)
    if name == "coredns":
        lab.kubernetes.report("Deployment", "coredns", availableReplicas=2)
    else:
        lab.kubernetes.report("DaemonSet", "aws-node", desiredNumberScheduled=0)
    lab.pass_time()
    assert describe(lab, name)["status"] == "ACTIVE"


def test_an_addon_is_active_when_its_workload_is_available(lab):
    assert create(lab)["status"] == "CREATING"
    lab.pass_time(TIMING.addon)
    assert {"Deployment", "Service", "ServiceAccount", "ConfigMap"} <= {
        k for k, _, _ in lab.kubernetes.objects
    }
    assert describe(lab)["status"] == "CREATING"
    lab.kubernetes.report("Deployment", "coredns", availableReplicas=1)
    lab.pass_time()
    assert describe(lab)["status"] == "CREATING"
    lab.kubernetes.report("Deployment", "coredns", availableReplicas=2)
    lab.pass_time()
    assert describe(lab)["status"] == "ACTIVE"


def test_dns_is_served_at_the_tenth_address_of_the_service_range(lab):
    active(lab)
    assert lab.kubernetes.get("Service", "kube-dns", "kube-system")["spec"]["clusterIP"] == "172.20.0.10"


def test_without_nodes_coredns_is_degraded_and_recovers(lab):
    create(lab)
    lab.pass_time(TIMING.addon)
    lab.pass_time(TIMING.addon_ready_timeout)
    addon = describe(lab)
    assert addon["status"] == "DEGRADED"
    (problem,) = addon["health"]["issues"]
    assert problem["code"] == "InsufficientNumberOfReplicas"
    assert problem["message"].endswith("doesn't have the desired number of replicas.")
    lab.kubernetes.report("Deployment", "coredns", availableReplicas=2)
    lab.pass_time()
    assert describe(lab)["health"]["issues"] == []
    assert describe(lab)["status"] == "ACTIVE"


def test_the_vpc_cni_has_the_stock_affinity_until_configured_otherwise(lab):
    active(lab, "vpc-cni")
    pod = lab.kubernetes.get("DaemonSet", "aws-node", "kube-system")["spec"]["template"]["spec"]
    required = pod["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    (term,) = required["nodeSelectorTerms"]
    assert [expression["key"] for expression in term["matchExpressions"]] == [
        "kubernetes.io/os",
        "kubernetes.io/arch",
        "eks.amazonaws.com/compute-type",
    ]
    affinity = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": []}}}
    values = {"affinity": affinity, "env": {"WARM_ENI_TARGET": "2", "NEW": "x"}, "init": {"env": {"A": "b"}}}
    lab.client.update_addon(clusterName="demo", addonName="vpc-cni", configurationValues=json.dumps(values))
    lab.pass_time(TIMING.addon)
    pod = lab.kubernetes.get("DaemonSet", "aws-node", "kube-system")["spec"]["template"]["spec"]
    assert pod["affinity"] == affinity
    env = {variable["name"]: variable.get("value") for variable in pod["containers"][0]["env"]}
    assert (env["WARM_ENI_TARGET"], env["NEW"], env["AWS_VPC_K8S_CNI_VETHPREFIX"]) == ("2", "x", "eni")
    assert {"name": "A", "value": "b"} in pod["initContainers"][0]["env"]


def test_coredns_takes_replicas_resources_tolerations_and_its_corefile(lab):
    values = {
        "replicaCount": 3,
        "tolerations": [{"operator": "Exists"}],
        "resources": {"requests": {"cpu": "1"}},
        "corefile": ".:53 {}",
        "podDisruptionBudget": {"minAvailable": 1},
    }
    create(lab, configurationValues=json.dumps(values))
    lab.pass_time(TIMING.addon)
    spec = lab.kubernetes.get("Deployment", "coredns", "kube-system")["spec"]
    assert spec["replicas"] == 3
    assert spec["template"]["spec"]["tolerations"] == [{"operator": "Exists"}]
    assert spec["template"]["spec"]["containers"][0]["resources"] == {"requests": {"cpu": "1"}}
    assert lab.kubernetes.get("ConfigMap", "coredns", "kube-system")["data"] == {"Corefile": ".:53 {}"}
    budget = lab.kubernetes.get("PodDisruptionBudget", "coredns", "kube-system")["spec"]
    assert (budget["minAvailable"], "maxUnavailable" in budget) == (1, False)


@pytest.mark.parametrize("values", ['{"replicas": 3}', '{"replicaCount": "3"}', "[1]", "{"])
def test_configuration_that_does_not_fit_the_schema_is_refused(lab, refused, values):
    with refused("InvalidParameterException") as refusal:
        create(lab, configurationValues=values)
    assert "ConfigurationValue provided in request" in refusal.message
    assert lab.client.list_addons(clusterName="demo")["addons"] == []


def test_every_published_schema_describes_what_is_accepted(lab):
    schema = json.loads(
        lab.client.describe_addon_configuration(addonName="vpc-cni", addonVersion="v1.20.5-eksbuild.1")[
            "configurationSchema"
        ]
    )
    assert "affinity" in schema["properties"]
    assert "nodeSelector" not in schema["properties"]
    assert schema["additionalProperties"] is False


def test_versions_depend_on_kubernetes_and_the_newest_is_the_default(lab, refused):
    (kind,) = lab.client.describe_addon_versions(addonName="kube-proxy", kubernetesVersion="1.35")["addons"]
    newest = kind["addonVersions"][0]
    assert newest["addonVersion"].startswith("v1.35.")
    assert newest["compatibilities"][0]["defaultVersion"]
    assert create(lab, "kube-proxy")["addonVersion"] == newest["addonVersion"]
    with refused("InvalidParameterException"):
        create(lab, addonVersion="v0.0.1-eksbuild.1")


def test_unknown_and_existing_addons_are_refused(lab, refused):
    with refused("InvalidParameterException"):
        create(lab, "cilium")
    assert lab.client.describe_addon_versions(addonName="cilium")["addons"] == []
    create(lab)
    with refused("ResourceInUseException"):
        create(lab)
    with refused("ResourceNotFoundException") as refusal:
        describe(lab, "vpc-cni")
    assert refusal.message == "No addon: vpc-cni found in cluster: demo"


def test_fields_of_another_owner_stop_an_addon_unless_it_overwrites(lab):
    lab.kubernetes.owned_by_others.add(("Deployment", "coredns"))
    create(lab)
    lab.pass_time(TIMING.addon)
    addon = describe(lab)
    assert addon["status"] == "CREATE_FAILED"
    assert addon["health"]["issues"][0]["code"] == "ConfigurationConflict"
    assert "conflict with" in addon["health"]["issues"][0]["message"]
    lab.client.delete_addon(clusterName="demo", addonName="coredns", preserve=True)
    lab.pass_time(TIMING.addon_delete)
    active(lab, resolveConflicts="OVERWRITE")


def test_an_update_ends_when_the_new_version_is_available(lab):
    active(lab)
    started = lab.client.update_addon(
        clusterName="demo", addonName="coredns", addonVersion="v1.12.4-eksbuild.1"
    )["update"]

    def status():
        found = lab.client.describe_update(name="demo", updateId=started["id"], addonName="coredns")
        return found["update"]["status"]

    lab.pass_time(TIMING.addon)
    assert (status(), describe(lab)["status"]) == ("InProgress", "UPDATING")
    lab.kubernetes.report("Deployment", "coredns", availableReplicas=2)
    lab.pass_time()
    assert (status(), describe(lab)["status"]) == ("Successful", "ACTIVE")
    pod = lab.kubernetes.get("Deployment", "coredns", "kube-system")["spec"]["template"]["spec"]
    assert pod["containers"][0]["image"].endswith(":v1.12.4-eksbuild.1")


@pytest.mark.parametrize(("preserve", "left"), [(True, {"aws-node"}), (False, set())])
def test_deleting_leaves_the_software_only_when_preserved(lab, preserve, left):
    active(lab, "vpc-cni")
    lab.client.delete_addon(clusterName="demo", addonName="vpc-cni", preserve=preserve)
    assert describe(lab, "vpc-cni")["status"] == "DELETING"
    lab.pass_time(TIMING.addon_delete)
    assert lab.client.list_addons(clusterName="demo")["addons"] == []
    assert lab.kubernetes.names("DaemonSet") == left


def test_preserving_leaves_an_object_with_fields_of_another_owner(lab):
    active(lab)
    lab.kubernetes.owned_by_others.add(("Deployment", "coredns"))
    values = json.dumps({"replicaCount": 5})
    lab.client.update_addon(
        clusterName="demo", addonName="coredns", configurationValues=values, resolveConflicts="PRESERVE"
    )
    lab.pass_time(TIMING.addon)
    assert describe(lab)["status"] == "ACTIVE"
    assert lab.kubernetes.get("Deployment", "coredns", "kube-system")["spec"]["replicas"] == 2


def test_metrics_server_and_a_default_storage_class(lab):
    create(lab, "metrics-server", configurationValues=json.dumps({"replicas": 3}))
    create(lab, "aws-ebs-csi-driver", configurationValues='{"defaultStorageClass": {"enabled": true}}')
    lab.pass_time(TIMING.addon)
    assert lab.kubernetes.get("Deployment", "metrics-server", "kube-system")["spec"]["replicas"] == 3
    assert lab.kubernetes.names("StorageClass") == {"ebs-csi-default-sc"}


@pytest.mark.parametrize(
    ("name", "wanted", "fits"),
    [
        ("metrics-server", ("v0.8.0-eksbuild.2", {"replicas": 2}), True),
        ("metrics-server", ("v0.8.0-eksbuild.2", {}), True),
        ("metrics-server", ("v0.8.0-eksbuild.2", {"replicaCount": 2}), False),
        ("metrics-server", ("v0.8.0-eksbuild.2", {"replicas": "2"}), False),
        ("metrics-server", ("v0.7.2-eksbuild.1", {}), False),
        ("metrics-servr", ("v0.8.0-eksbuild.2", {}), False),
        ("kube-proxy", ("v1.34.0-eksbuild.2", {}), False),
    ],
)
def test_what_the_program_refuses_before_an_update_is_what_eks_refuses(lab, refused, name, wanted, fits):
    version, values = wanted
    offered = offer(lab.client, name, "1.35")
    found = offered is not None and version in offered.versions
    assert (found and not [*misfits(values, schema(lab.client, name, version))]) is fits
    if fits:
        create(lab, name, addonVersion=version, configurationValues=json.dumps(values))
    else:
        with refused("InvalidParameterException"):
            create(lab, name, addonVersion=version, configurationValues=json.dumps(values))
