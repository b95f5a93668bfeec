"""The release that joins a cluster to a mesh, rendered by real Helm beside the cluster's own release."""

import base64
from dataclasses import replace
from typing import Any

import pytest
import yaml
from cryptography import x509
from cryptography.x509.oid import NameOID

from eks_cilium.cilium.keys import unknown_keys
from eks_cilium.cilium.masquerade import Masquerade
from eks_cilium.cilium.mesh import (
    API_SERVER,
    CERTIFICATES_ANNOTATION,
    INTERNAL,
    SCHEME,
    SOURCE_RANGES,
    SUBNETS,
    TARGET_TYPE,
    TYPE,
    KeyPair,
    MeshMember,
    certificates,
    load_balancer_annotations,
    mesh_values,
)
from eks_cilium.cilium.values import EniMode, eni_values, merged
from eks_cilium.cilium.versions import TRIED, release_of
from lab.toolchain import Toolchain
from tests.program.cilium.rendering import Rendered, render, render_again

pytestmark = pytest.mark.charts

MADE_FOR_AN_UPGRADE = {("ClusterRole", "cilium-pre-flight"), ("DaemonSet", "cilium-pre-flight-check")}


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def member_of(version: str, **changes: Any) -> MeshMember:
    release = release_of(version)
    member = MeshMember(
        release=release,
        cluster_name="cluster-1",
        cluster_id=1,
        remotes=("cluster-2", "cluster-3"),
        annotations=load_balancer_annotations(
            controller=False, sources=["10.1.0.0/16", "10.2.0.0/16"], subnets=["subnet-1a", "subnet-1b"]
        ),
        authority=b64("authority"),
        fingerprint="abc",
        key_pairs={
            name: KeyPair(b64(f"{name} certificate"), b64(f"{name} key"))
            for name in certificates(release, "cluster-1")
        },
    )
    return replace(member, **changes)


@pytest.fixture(params=TRIED)
def version(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def mesh(toolchain: Toolchain, version: str) -> Rendered:
    return render(toolchain.helm(), toolchain.chart(version), mesh_values(member_of(version)))


@pytest.fixture
def cluster(toolchain: Toolchain, version: str) -> Rendered:
    """The cluster's own release, as mode new-cluster installs it."""
    mode = EniMode(
        release=release_of(version),
        cluster_name="cluster-1",
        region="eu-central-1",
        api_host="ABC.gr7.eu-central-1.eks.amazonaws.com",
        api_port="443",
        operator_role_arn="arn:aws:iam::111122223333:role/operator",
        subnet_filter=["subnet-0a"] if release_of(version).filters_are_lists else "subnet-0a",
        native_cidr="10.0.0.0/16",
        masquerade=Masquerade(enabled=False),
        interface_tags={},
        cluster_id=1,
        hubble_relay=True,
        hubble_ui=True,
    )
    return render(toolchain.helm(), toolchain.chart(version), eni_values(mode))


def test_no_object_belongs_to_both_releases(mesh: Rendered, cluster: Rendered):
    assert not mesh.objects.keys() & cluster.objects.keys()


def test_the_release_holds_the_api_server_and_the_other_clusters_and_no_other_pods(
    mesh: Rendered, version: str
):
    workloads = {key for key in mesh.objects if key[0] in ("Deployment", "DaemonSet", "Job", "StatefulSet")}

    assert workloads - MADE_FOR_AN_UPGRADE == {("Deployment", API_SERVER)}
    assert ("Secret", "cilium-ca") not in mesh.objects
    if release_of(version).mesh_writes_the_config:
        preflight = mesh.objects["DaemonSet", "cilium-pre-flight-check"]["spec"]["template"]["spec"]
        assert preflight["nodeSelector"]["eks-cilium/no-node"] == "true"
    else:
        assert not MADE_FOR_AN_UPGRADE & mesh.objects.keys()


def test_the_chart_knows_every_key(version: str):
    values = mesh_values(member_of(version, remotes=()))  # the chart's own tree has an empty list of clusters

    assert unknown_keys(version, merged(values, {"clustermesh": {"config": {"clusters": []}}})) == []


def test_rendering_twice_is_the_same(mesh: Rendered, toolchain: Toolchain, version: str):
    values = yaml.safe_dump(mesh_values(member_of(version)))

    again = render_again(toolchain.helm(), toolchain.chart(version), values)

    assert again.objects == mesh.objects


def entries(secret: dict[str, Any]) -> dict[str, Any]:
    """The Secret that agents read: an etcd configuration for each other cluster, and files for it."""
    return {key: base64.b64decode(value).decode() for key, value in secret["data"].items()}


def test_every_other_cluster_is_in_the_secret_the_agents_mount(mesh: Rendered, version: str):
    found = entries(mesh.objects["Secret", "cilium-clustermesh"])

    configurations = {name: yaml.safe_load(found[name]) for name in ("cluster-2", "cluster-3")}
    for name, etcd in configurations.items():
        if release_of(version).kvstoremesh:
            assert etcd["endpoints"] == [f"https://{API_SERVER}.kube-system.svc:2379"]
        else:
            assert etcd["endpoints"] == [f"https://{name}.mesh.cilium.io:2379"]


def test_the_client_of_the_other_clusters_uses_their_names_in_the_zone(mesh: Rendered, version: str):
    if not release_of(version).kvstoremesh:
        pytest.skip("agents dial themselves, see above")
    found = entries(mesh.objects["Secret", "cilium-kvstoremesh"])

    assert set(found) == {"cluster-2", "cluster-3"}
    assert yaml.safe_load(found["cluster-2"]) == {
        "endpoints": ["https://cluster-2.mesh.cilium.io:2379"],
        "trusted-ca-file": "/var/lib/cilium/clustermesh/common-etcd-client-ca.crt",
        "key-file": "/var/lib/cilium/clustermesh/common-etcd-client.key",
        "cert-file": "/var/lib/cilium/clustermesh/common-etcd-client.crt",
    }


def secrets_of(pod: dict[str, Any]) -> set[str]:
    names = set()
    for volume in pod["volumes"]:
        sources = volume.get("projected", {}).get("sources") or [volume]
        for source in sources:
            secret = source.get("secret") or {}
            names.add(secret.get("name") or secret.get("secretName"))
    return names - {None}


def test_the_api_server_finds_every_certificate(mesh: Rendered, version: str):
    pod = mesh.objects["Deployment", API_SERVER]["spec"]["template"]["spec"]
    ours = {certificate.secret for certificate in certificates(release_of(version), "cluster-1").values()}

    wanted = secrets_of(pod) - {"cilium-kvstoremesh"}
    assert wanted <= ours
    created = {name for kind, name in mesh.objects if kind == "Secret" and name.endswith("-cert")}
    if release_of(version).mesh_certificates_are_values:
        assert wanted <= created
    else:
        assert not created, "either the chart or the component creates the Secrets, never both"


def test_agents_mount_the_secrets_of_the_release_without_a_restart(cluster: Rendered, version: str):
    (volume,) = [found for found in cluster.agent["volumes"] if found["name"] == "clustermesh-secrets"]
    sources = volume["projected"]["sources"] if "projected" in volume else [volume]

    read = {
        source["secret"].get("name") or source["secret"]["secretName"]: source["secret"] for source in sources
    }
    assert "cilium-clustermesh" in read
    assert all(source["optional"] for source in read.values())
    ours = {certificate.secret for certificate in certificates(release_of(version), "cluster-1").values()}
    assert set(read) - {"cilium-clustermesh"} <= ours


def test_the_certificates_are_those_the_chart_would_create_itself(toolchain: Toolchain, version: str):
    itself = merged(
        mesh_values(member_of(version)), {"clustermesh": {"apiserver": {"tls": {"auto": {"enabled": True}}}}}
    )
    created = render(toolchain.helm(), toolchain.chart(version), itself)

    for name, ours in certificates(release_of(version), "cluster-1").items():
        data = created.objects["Secret", ours.secret]["data"]
        theirs = x509.load_pem_x509_certificate(base64.b64decode(data["tls.crt"]))
        assert set(data) == {"ca.crt", "tls.crt", "tls.key"}
        (common_name,) = theirs.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        if name == "server":
            names = theirs.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
            assert set(names.get_values_for_type(x509.DNSName)) <= set(ours.dns_names)
            assert {str(address) for address in names.get_values_for_type(x509.IPAddress)} == set(
                ours.ip_addresses
            )
        else:  # a user of etcd
            assert common_name.value == ours.common_name


def test_the_load_balancer_is_internal_for_either_controller(mesh: Rendered):
    service = mesh.objects["Service", API_SERVER]

    assert service["spec"]["type"] == "LoadBalancer"
    annotations = service["metadata"]["annotations"]
    assert annotations[SCHEME] == "internal"
    assert annotations[INTERNAL] == "true"
    assert annotations[TYPE] == "nlb"
    assert annotations[SOURCE_RANGES] == "10.1.0.0/16,10.2.0.0/16"
    assert annotations[SUBNETS] == "subnet-1a,subnet-1b"


def test_several_replicas_have_no_session_affinity_which_the_controller_of_kubernetes_refuses(
    toolchain: Toolchain, version: str
):
    if not release_of(version).kvstoremesh:
        pytest.skip("one replica before 1.16")

    def affinity(*, controller: bool) -> str | None:
        annotations = load_balancer_annotations(controller=controller, sources=[], subnets=["subnet-1a"])
        member = replace(member_of(version), replicas=2, annotations=annotations)
        service = render(toolchain.helm(), toolchain.chart(version), mesh_values(member)).objects[
            "Service", API_SERVER
        ]
        found: str | None = service["spec"].get("sessionAffinity")
        return found

    assert affinity(controller=False) is None
    assert affinity(controller=True) == "ClientIP"


def test_the_api_server_divides_identities_as_the_agents_do(toolchain: Toolchain, version: str):
    if version.startswith("1.12."):
        pytest.skip("the setting exists from 1.15 on")
    member = replace(member_of(version), max_clusters=511)
    mesh = render(toolchain.helm(), toolchain.chart(version), mesh_values(member))

    pod = mesh.objects["Deployment", API_SERVER]["spec"]["template"]["spec"]
    given = [text for container in pod["containers"] for text in container.get("args") or ()]
    assert "--max-connected-clusters=511" in given


def test_with_the_controller_the_targets_are_pods():
    annotations = load_balancer_annotations(controller=True, sources=["10.1.0.0/16"], subnets=["subnet-1a"])

    assert (annotations[TYPE], annotations[TARGET_TYPE]) == ("external", "ip")
    assert (annotations[SCHEME], annotations[INTERNAL]) == ("internal", "true")


def test_new_certificates_restart_the_api_server(mesh: Rendered):
    pod = mesh.objects["Deployment", API_SERVER]["spec"]["template"]

    assert pod["metadata"]["annotations"][CERTIFICATES_ANNOTATION] == "abc"


def test_from_1_19_on_every_cluster_has_a_user_besides_the_shared_one(mesh: Rendered, version: str):
    if not release_of(version).mesh_users:
        assert ("ConfigMap", "clustermesh-remote-users") not in mesh.objects
        return
    users = yaml.safe_load(mesh.objects["ConfigMap", "clustermesh-remote-users"]["data"]["users.yaml"])

    assert [user["name"] for user in users["users"]] == ["remote-cluster-2", "remote-cluster-3"]
