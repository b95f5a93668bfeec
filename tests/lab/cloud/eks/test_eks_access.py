import pytest
import yaml

from lab.cloud.eks.access import entries
from lab.cloud.identity.identities import Identity
from tests.lab.cloud.eks.account import ENGINEER, NODE_ROLE, POD_ROLE

pytestmark = pytest.mark.simulation
STRANGER = "arn:aws:iam::123456789012:user/stranger"
VIEW = f"{entries.POLICY_PREFIX}AmazonEKSViewPolicy"


def entry(lab, principal=STRANGER, seconds=5, **wanted):
    """Make an entry, and wait until it works."""
    made = lab.client.create_access_entry(clusterName="demo", principalArn=principal, **wanted)["accessEntry"]
    lab.pass_time(seconds)
    return made


def associate(lab, policy=VIEW, principal=STRANGER, seconds=5, **scope):
    """Give an entry a policy, and wait until it works."""
    lab.client.associate_access_policy(
        clusterName="demo",
        principalArn=principal,
        policyArn=policy,
        accessScope=scope or {"type": "cluster"},
    )
    lab.pass_time(seconds)


def user(lab, principal, session=""):
    cluster = lab.store.find("demo")
    return entries.map_user(cluster, Identity("arn", principal, "id", session), lab.kubernetes, lab.now)


def test_entries_and_policies_work_some_seconds_after_they_were_made(lab):
    lab.cluster()
    entry(lab, seconds=4)
    assert user(lab, STRANGER) is None
    lab.pass_time(1)
    assert user(lab, STRANGER)
    associate(lab, seconds=4)
    assert len(lab.kubernetes.items("ClusterRoleBinding")) == 1
    lab.pass_time(1)
    assert len(lab.kubernetes.items("ClusterRoleBinding")) == 2


def test_the_creator_is_administrator(lab):
    lab.cluster()
    assert lab.client.list_access_entries(clusterName="demo")["accessEntries"] == [ENGINEER]
    (policy,) = lab.client.list_associated_access_policies(clusterName="demo", principalArn=ENGINEER)[
        "associatedAccessPolicies"
    ]
    assert policy["policyArn"] == entries.CLUSTER_ADMIN
    (binding,) = lab.kubernetes.items("ClusterRoleBinding")
    assert binding["roleRef"]["name"] == "cluster-admin"
    assert binding["subjects"][0]["name"] in user(lab, ENGINEER).groups


def test_the_creator_has_no_access_when_it_opted_out(lab):
    config = {"authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": False}
    lab.cluster(accessConfig=config)
    assert lab.client.list_access_entries(clusterName="demo")["accessEntries"] == []
    assert user(lab, ENGINEER) is None


def test_a_user_needs_an_access_entry(lab):
    lab.cluster()
    assert user(lab, STRANGER) is None
    entry(lab, kubernetesGroups=["viewers"])
    found = user(lab, STRANGER)
    assert found.name == STRANGER
    assert "viewers" in found.groups


def test_a_role_is_known_by_its_session(lab):
    lab.cluster()
    assert entry(lab, POD_ROLE)["username"] == "arn:aws:sts::123456789012:assumed-role/pod/{{SessionName}}"
    assert user(lab, POD_ROLE, "ana").name == "arn:aws:sts::123456789012:assumed-role/pod/ana"


def test_a_policy_for_the_cluster_and_one_for_a_namespace(lab):
    lab.cluster()
    entry(lab)
    associate(lab)
    associate(lab, f"{entries.POLICY_PREFIX}AmazonEKSEditPolicy", type="namespace", namespaces=["shop"])
    roles = {binding["roleRef"]["name"] for binding in lab.kubernetes.items("ClusterRoleBinding")}
    assert roles == {"cluster-admin", "view"}
    (binding,) = lab.kubernetes.items("RoleBinding")
    assert (binding["metadata"]["namespace"], binding["roleRef"]["name"]) == ("shop", "edit")


def test_a_policy_for_a_namespace_waits_for_the_namespace(lab):
    lab.cluster()
    entry(lab)
    lab.kubernetes.missing_namespaces.add("shop")
    associate(lab, type="namespace", namespaces=["shop"])
    assert lab.kubernetes.items("RoleBinding") == []
    lab.kubernetes.missing_namespaces.clear()
    lab.pass_time()
    assert len(lab.kubernetes.items("RoleBinding")) == 1


def test_removing_a_policy_or_the_entry_removes_the_bindings(lab, refused):
    lab.cluster()
    entry(lab)
    associate(lab)
    lab.client.disassociate_access_policy(clusterName="demo", principalArn=STRANGER, policyArn=VIEW)
    assert len(lab.kubernetes.items("ClusterRoleBinding")) == 1
    associate(lab)
    lab.client.delete_access_entry(clusterName="demo", principalArn=STRANGER)
    assert len(lab.kubernetes.items("ClusterRoleBinding")) == 1
    assert user(lab, STRANGER) is None
    with refused("ResourceNotFoundException"):
        lab.client.describe_access_entry(clusterName="demo", principalArn=STRANGER)


def test_an_entry_can_change_its_groups(lab):
    lab.cluster()
    entry(lab)
    lab.client.update_access_entry(clusterName="demo", principalArn=STRANGER, kubernetesGroups=["ops"])
    assert "ops" in user(lab, STRANGER).groups


@pytest.mark.parametrize(
    ("principal", "wanted", "code"),
    [
        ("arn:aws:iam::123456789012:user/nobody", {}, "InvalidParameterException"),
        (STRANGER, {"kubernetesGroups": ["system:masters"]}, "InvalidParameterException"),
        (STRANGER, {"username": "system:admin"}, "InvalidParameterException"),
        (STRANGER, {"type": "HYBRID_LINUX"}, "NotImplemented"),
        (NODE_ROLE, {"type": "EC2_LINUX", "kubernetesGroups": ["a"]}, "InvalidParameterException"),
        (ENGINEER, {}, "ResourceInUseException"),
    ],
)
def test_invalid_entries_are_refused(lab, refused, principal, wanted, code):
    lab.cluster()
    with refused(code):
        entry(lab, principal, **wanted)


@pytest.mark.parametrize(
    ("policy", "scope", "code"),
    [
        (f"{entries.POLICY_PREFIX}Nothing", {"type": "cluster"}, "InvalidParameterException"),
        (VIEW, {"type": "namespace"}, "InvalidParameterException"),
        (VIEW, {"type": "namespace", "namespaces": ["dev-*"]}, "NotImplemented"),
    ],
)
def test_invalid_associations_are_refused(lab, refused, policy, scope, code):
    lab.cluster()
    entry(lab)
    with refused(code):
        associate(lab, policy, **scope)


def test_the_role_of_a_node_group_has_an_entry_as_long_as_it_is_used(lab):
    lab.cluster()
    lab.nodegroup()
    found = lab.client.describe_access_entry(clusterName="demo", principalArn=NODE_ROLE)["accessEntry"]
    assert (found["type"], found["kubernetesGroups"]) == ("EC2_LINUX", ["system:nodes"])
    lab.client.delete_nodegroup(clusterName="demo", nodegroupName="workers")
    for _ in range(3):
        lab.pass_time(1)
    assert lab.client.list_access_entries(clusterName="demo")["accessEntries"] == [ENGINEER]


def test_in_config_map_mode_there_are_no_entries_and_aws_auth_decides(lab, refused):
    lab.cluster(accessConfig={"authenticationMode": "CONFIG_MAP"})
    with refused("InvalidRequestException") as refusal:
        entry(lab)
    assert "authentication mode must be set to one of [API, API_AND_CONFIG_MAP]" in refusal.message
    assert user(lab, ENGINEER).groups == ("system:masters",)
    assert user(lab, STRANGER) is None
    mapping = [{"userarn": STRANGER, "username": "str", "groups": ["ops"]}]
    manifest = {
        "kind": "ConfigMap",
        "metadata": {"name": "aws-auth", "namespace": "kube-system"},
        "data": {"mapUsers": yaml.safe_dump(mapping)},
    }
    lab.kubernetes.apply(manifest, force=True)
    found = user(lab, STRANGER)
    assert (found.name, found.groups) == ("str", ("ops",))


def test_pod_identity_associations_can_be_created_and_deleted(lab, refused):
    lab.cluster()
    wanted = {"clusterName": "demo", "namespace": "kube-system", "serviceAccount": "cilium-operator"}
    created = lab.client.create_pod_identity_association(roleArn=POD_ROLE, **wanted)["association"]
    assert created["associationArn"].endswith(created["associationId"])
    with refused("ResourceInUseException"):
        lab.client.create_pod_identity_association(roleArn=POD_ROLE, **wanted)
    with refused("InvalidParameterException"):
        lab.client.create_pod_identity_association(roleArn=NODE_ROLE, **{**wanted, "namespace": "other"})
    listed = lab.client.list_pod_identity_associations(clusterName="demo", namespace="kube-system")
    assert [found["associationId"] for found in listed["associations"]] == [created["associationId"]]
    lab.client.delete_pod_identity_association(clusterName="demo", associationId=created["associationId"])
    with refused("ResourceNotFoundException"):
        lab.client.describe_pod_identity_association(
            clusterName="demo", associationId=created["associationId"]
        )
