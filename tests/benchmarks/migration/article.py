"""The script of the article that a migration is often done by: kubectl, helm, and one node after the other.

Every node is labelled, aws-node is bound to that label, and Cilium is installed for all others. Each Auto
Scaling group is raised to twice its size. Then each old node is cordoned, drained and deleted; its instance
is looked up and terminated in its group, which gets smaller by it. A command that fails does not stop the
script, as in a shell.

    python -m tests.benchmarks.migration.article CLUSTER CHART
"""

import json
import subprocess
import sys
import time
from typing import Any

import boto3
from botocore.exceptions import ClientError, ParamValidationError

LABEL = "cni-plugin"
_REQUIRED = "/spec/template/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution"


def kubectl(*words: str) -> str:
    """Run kubectl, print what it says against, and return its output."""
    done = subprocess.run(["kubectl", *words], stdout=subprocess.PIPE, text=True, check=False)
    return done.stdout


def install_cilium(chart: str) -> None:
    """Bind aws-node to the nodes that there are, and install Cilium in ENI mode for all others."""
    kubectl("label", "nodes", "--all", f"{LABEL}=aws")
    only_labelled = {"key": LABEL, "operator": "In", "values": ["aws"]}
    patch = {
        "op": "add",
        "path": f"{_REQUIRED}/nodeSelectorTerms/0/matchExpressions/-",
        "value": only_labelled,
    }
    kubectl("patch", "daemonset", "aws-node", "-n", "kube-system", "--type=json", "-p", json.dumps([patch]))
    others = {"matchExpressions": [{"key": LABEL, "operator": "NotIn", "values": ["aws"]}]}
    affinity = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [others]}}
    values = {
        "eni": {"enabled": True},
        "ipam": {"mode": "eni"},
        "routingMode": "native",
        "affinity": {"nodeAffinity": affinity},
        "operator": {"unmanagedPodWatcher": {"restart": False}},
    }
    subprocess.run(
        ["helm", "install", "cilium", chart, "--namespace", "kube-system", "--values", "-"],
        input=json.dumps(values),
        text=True,
        check=True,
    )


def raise_groups(autoscaling: Any, cluster: str) -> int:
    """Raise each group to twice its size; return how many nodes there have to be."""
    found = autoscaling.describe_auto_scaling_groups(
        Filters=[{"Name": "tag:eks:cluster-name", "Values": [cluster]}]
    )["AutoScalingGroups"]
    for group in found:
        autoscaling.update_auto_scaling_group(
            AutoScalingGroupName=group["AutoScalingGroupName"],
            MaxSize=max(group["MaxSize"], 2 * group["DesiredCapacity"]),
            DesiredCapacity=2 * group["DesiredCapacity"],
        )
    return sum(2 * group["DesiredCapacity"] for group in found)


def await_nodes(wanted: int) -> None:
    """Wait until there are as many Ready nodes without Cilium's taint."""
    ready = "{.status.conditions[?(@.type=='Ready')].status}"
    path = f"jsonpath={{range .items[*]}}{{.spec.taints[*].key}} {ready}{{'\\n'}}{{end}}"
    while sum(line.strip() == "True" for line in kubectl("get", "nodes", "-o", path).splitlines()) < wanted:
        time.sleep(5)


def replace(autoscaling: Any, node: str) -> None:
    """Drain one node, delete it, and terminate its instance."""
    kubectl("cordon", node)
    kubectl("drain", node, "--ignore-daemonsets", "--delete-emptydir-data")
    instance = kubectl("get", "node", node, "-o", "jsonpath={.spec.providerID}").rpartition("/")[2]
    kubectl("delete", "node", node)
    try:
        autoscaling.terminate_instance_in_auto_scaling_group(
            InstanceId=instance, ShouldDecrementDesiredCapacity=True
        )
    except (ClientError, ParamValidationError) as error:
        print(f"{node}: {error}", file=sys.stderr)


def main(cluster: str, chart: str) -> int:
    """Migrate a cluster, node by node."""
    autoscaling = boto3.client("autoscaling")
    old = kubectl("get", "nodes", "-o", "jsonpath={.items[*].metadata.name}").split()
    install_cilium(chart)
    await_nodes(raise_groups(autoscaling, cluster))
    for number, node in enumerate(old, 1):
        print(f"{number}/{len(old)} {node}", flush=True)
        replace(autoscaling, node)
    kubectl("delete", "daemonset", "aws-node", "-n", "kube-system")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
