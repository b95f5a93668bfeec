"""Create a sample cluster in a running lab, from its network to its workloads."""

from lab import aws_cli
from lab.environment import Cloud, Places
from lab.lifecycle import Report
from lab.sample_cluster import eks, network, workloads
from lab.sample_cluster.clients import Aws, Kubectl
from lab.sample_cluster.spec import ClusterSpec


def create_cluster(places: Places, spec: ClusterSpec, progress: Report) -> Kubectl:
    """Create a cluster, wait until its nodes and workloads are ready, and return kubectl for it.

    Raises:
        LabNotRunningError: the lab is not running.
        SpecError: no cluster can be created by this specification.
        CommandFailedError: kubectl failed, or workloads did not become ready in time.
    """
    groups = spec.node_groups
    aws = Aws(Cloud.read(places.cloud))
    progress(f"cluster {spec.name}: network in {spec.zones} zones")
    net = network.create(aws, spec.name, spec.zones)
    progress(f"cluster {spec.name}: control plane, Kubernetes {spec.kubernetes}, aws-node {spec.vpc_cni}")
    eks.create_control_plane(aws, spec, net)
    eks.create_networking_addons(aws, spec)
    sizes = ", ".join(f"{group.desired} in group {group.name}" for group in groups)
    progress(f"cluster {spec.name}: nodes, {sizes}")
    eks.create_node_groups(aws, spec, net)
    eks.create_storage_addon(aws, spec)
    aws_cli.write_kubeconfig(places)
    kubectl = Kubectl(places, spec.name)
    if spec.workloads:
        progress(f"cluster {spec.name}: workloads {', '.join(spec.workloads)}")
        workloads.apply(kubectl, spec.workloads)
    eks.wait_for_addons(aws, spec)
    return kubectl
