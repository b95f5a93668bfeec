"""Make an existing cluster in a lab that is up."""

from lab import report
from lab.environment import Cloud, Places
from lab.existing import cluster, network, workloads
from lab.existing.access import Aws, Kubectl
from lab.existing.shape import Shape
from lab.lifecycle import Report


def make(places: Places, shape: Shape, tell: Report) -> Kubectl:
    """Make a cluster with nodes and workloads, all of them ready; returns kubectl for it.

    Raises:
        LabNotRunningError: the lab is not up.
        ShapeError: the shape can not be made.
        CommandFailedError: something in it did not come up.
    """
    groups = shape.node_groups
    aws = Aws(Cloud.read(places.cloud))
    tell(f"cluster {shape.name}: network over {shape.zones} zones")
    net = network.make(aws, shape.name, shape.zones)
    tell(f"cluster {shape.name}: control plane, Kubernetes {shape.kubernetes}, aws-node {shape.vpc_cni}")
    cluster.make_control_plane(aws, shape, net)
    cluster.add_networking(aws, shape)
    tell(f"cluster {shape.name}: nodes " + ", ".join(f"{group.name} {group.desired}" for group in groups))
    cluster.add_nodes(aws, shape, net)
    cluster.add_storage(aws, shape)
    report.write_kubeconfig(places)
    kubectl = Kubectl(places, shape.name)
    if shape.workloads:
        tell(f"cluster {shape.name}: workloads {', '.join(shape.workloads)}")
        workloads.apply(kubectl, shape.workloads)
    cluster.await_addons(aws, shape)
    return kubectl
