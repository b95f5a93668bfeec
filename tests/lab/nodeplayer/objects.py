"""The Kubernetes objects that these tests create."""

AGENT_TAINT = {"key": "node.cilium.io/agent-not-ready", "value": "true", "effect": "NoExecute"}
NOT_READY_TAINT = {"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}


def node(number: int, *, tainted: bool = False, prefix: str = "ip-10-0") -> dict:
    """A node as the cloud creates it when the kubelet of an instance registers."""
    name = f"{prefix}-{number // 250}-{number % 250 + 4}.ec2.internal"
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "labels": {
                "kubernetes.io/hostname": name,
                "kubernetes.io/os": "linux",
                "kubernetes.io/arch": "amd64",
                "topology.kubernetes.io/zone": "us-east-1a",
                "node.kubernetes.io/instance-type": "m5.large",
            },
        },
        "spec": {
            "providerID": f"aws:///us-east-1a/i-{number:017x}",
            "taints": [NOT_READY_TAINT, *([AGENT_TAINT] if tainted else [])],
        },
        "status": {"capacity": {"cpu": "2", "memory": "8Gi", "pods": "29"}},
    }


def container(image: str = "registry.example/app:1", *, probed: bool = True) -> dict:
    probe = {"readinessProbe": {"httpGet": {"path": "/", "port": 80}}} if probed else {}
    return {"name": "app", "image": image} | probe


def pod(name: str, **spec: object) -> dict:
    annotations = spec.pop("annotations", {})
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "default", "annotations": annotations},
        "spec": {"containers": [container()], **spec},
    }


def workload(kind: str, name: str, labels: dict, namespace: str = "default", **spec: object) -> dict:
    """A Deployment (with replicas=) or a DaemonSet, of pods with these labels."""
    outer = {key: spec.pop(key) for key in ("replicas",) if key in spec}
    annotations = spec.pop("annotations", {})
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            **outer,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels, "annotations": annotations},
                "spec": {"containers": [container()], **spec},
            },
        },
    }


EVERYWHERE = {"tolerations": [{"operator": "Exists"}]}
ON_HOST = {**EVERYWHERE, "hostNetwork": True}


def aws_node() -> dict:
    """The parts of the VPC CNI's DaemonSet that matter here."""
    return workload("DaemonSet", "aws-node", {"k8s-app": "aws-node"}, "kube-system", **ON_HOST)


def cilium(version: str, home: str | None = None) -> list[dict]:
    """The parts of Cilium in ENI mode that matter here: configuration, operator on node `home`, agents."""
    where = {"nodeName": home} if home else {}
    operator = {"io.cilium/app": "operator", "name": "cilium-operator"}
    image = f"registry.example/cilium/operator-aws:v{version}@sha256:{'0' * 64}"
    return [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "cilium-config", "namespace": "kube-system"},
            "data": {"ipam": "eni", "cluster-name": "demo", "cluster-id": "1"},
        },
        workload(
            "Deployment",
            "cilium-operator",
            operator,
            "kube-system",
            replicas=1,
            **ON_HOST | where | {"containers": [container(image)]},
        ),
        workload("DaemonSet", "cilium", {"k8s-app": "cilium"}, "kube-system", **ON_HOST),
    ]
