"""Elastic Load Balancing and the controllers that register nodes and pods there.

As both controllers do, nodes are targets while they are Ready and lack the label
`node.kubernetes.io/exclude-from-external-load-balancers`; a cordon changes nothing. A deregistered target is
`draining` for the group's delay, and gone then.
"""

# ruff: noqa: N803 - the parameters are spelled as boto3 spells them

from dataclasses import dataclass, field
from typing import Any

from .api_server import Object, is_ready
from .cloud import Pages, refusal
from .controllers import PODS
from .world import Simulation

EXCLUDED = "node.kubernetes.io/exclude-from-external-load-balancers"
SERVICES, INGRESSES = "/api/v1/services", "/apis/networking.k8s.io/v1/ingresses"
BINDINGS = "/apis/elbv2.k8s.aws/v1beta1/targetgroupbindings"
_ARN = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/{}/0f1e"


@dataclass
class Group:
    """A target group, or a Classic Load Balancer."""

    name: str
    app: str = ""
    """The application whose pods are its targets; empty where nodes are."""
    delay: float = 30
    tags: dict[str, str] = field(default_factory=dict)
    registered: set[str] = field(default_factory=set)
    draining: dict[str, float] = field(default_factory=dict)

    @property
    def arn(self) -> str:
        return _ARN.format(self.name)


class Balancing:
    """All load balancers of a simulated cluster, and their controllers."""

    def __init__(self, simulation: Simulation) -> None:
        self.simulation = simulation
        self.groups: list[Group] = []
        self.classic: list[Group] = []
        self.denied = False
        self.works = True
        """Whether the controllers run."""
        self.calls: list[str] = []
        simulation.controllers.append(self._act)
        simulation.cloud.services |= {"elbv2": Elbv2(self), "elb": Elb(self)}

    def ingress(self, name: str, *, app: str = "", delay: float = 30, bound: bool = True) -> Group:
        """An Ingress of the AWS Load Balancer Controller; targets are nodes, or pods of an application."""
        status = {"loadBalancer": {"ingress": [{"hostname": f"{name}-1.eu-central-1.elb.amazonaws.com"}]}}
        metadata = {"name": name, "namespace": "shop"}
        self.simulation.api.put(INGRESSES, {"metadata": dict(metadata), "spec": {}, "status": status})
        group = self._added(Group(f"k8s-{name}", app, delay, {"elbv2.k8s.aws/cluster": "demo"}))
        if bound:
            self.simulation.api.put(BINDINGS, {"metadata": metadata, "spec": {"targetGroupARN": group.arn}})
        return group

    def service(self, name: str, *, delay: float = 30, classic: bool = False, cluster: str = "demo") -> Group:
        """A Service with a load balancer of the controller in Kubernetes."""
        metadata = {"name": name, "namespace": "shop"}
        self.simulation.api.put(SERVICES, {"metadata": metadata, "spec": {"type": "LoadBalancer"}})
        group = Group(f"a{name}", delay=delay, tags={f"kubernetes.io/cluster/{cluster}": "owned"})
        return self._added(group, classic=classic)

    def _added(self, group: Group, *, classic: bool = False) -> Group:
        (self.classic if classic else self.groups).append(group)
        self.simulation.clock.sleep(1)
        return group

    def sends_to(self, node: str) -> list[str]:
        """Names of the load balancers for which the instance of a node is a target, also a draining one."""
        obj = self.simulation.node(node)
        instance = obj["spec"]["providerID"].rsplit("/", 1)[-1] if obj else ""
        every = [*self.groups, *self.classic]
        return [group.name for group in every if instance in group.registered | set(group.draining)]

    def _act(self) -> None:
        for group in (*self.groups, *self.classic) if self.works else ():
            wanted = self._pods(group.app) if group.app else self._instances()
            for target in group.registered - wanted:
                group.draining[target] = self.simulation.clock.seconds
            group.registered = wanted
        for group in (*self.groups, *self.classic):
            for target, since in list(group.draining.items()):
                if target in group.registered or self.simulation.clock.seconds - since >= group.delay:
                    del group.draining[target]

    def _instances(self) -> set[str]:
        return {
            node["spec"]["providerID"].rsplit("/", 1)[-1]
            for node in self.simulation.nodes()
            if is_ready(node) and EXCLUDED not in node["metadata"]["labels"]
        }

    def _pods(self, app: str) -> set[str]:
        pods = [pod for pod in self.simulation.api.of(PODS, "shop") if _is_of(pod, app)]
        for pod in pods:
            pod["status"].setdefault("podIP", f"address-of-{pod['metadata']['uid']}")
        return {
            pod["status"]["podIP"]
            for pod in pods
            if is_ready(pod) and not pod["metadata"].get("deletionTimestamp")
        }


class _Client:
    def __init__(self, balancing: Balancing) -> None:
        self._balancing = balancing

    def get_paginator(self, operation: str) -> Pages:
        return Pages(getattr(self, operation))

    def _called(self, operation: str) -> None:
        self._balancing.calls.append(operation)
        if self._balancing.denied:
            raise refusal("AccessDenied", "is not authorized to perform", operation)


class Elbv2(_Client):
    def describe_target_groups(self) -> Any:
        self._called("DescribeTargetGroups")
        return {"TargetGroups": [{"TargetGroupArn": group.arn} for group in self._balancing.groups]}

    def describe_tags(self, ResourceArns: list[str]) -> Any:
        assert len(ResourceArns) <= 20
        self._called("DescribeTags")
        found = [group for group in self._balancing.groups if group.arn in ResourceArns]
        return {"TagDescriptions": [{"ResourceArn": each.arn, "Tags": _tags(each)} for each in found]}

    def describe_target_health(self, TargetGroupArn: str) -> Any:
        self._called("DescribeTargetHealth")
        groups = [group for group in self._balancing.groups if group.arn == TargetGroupArn]
        if not groups:
            raise refusal("TargetGroupNotFound", "not found", "DescribeTargetHealth")
        states = dict.fromkeys(groups[0].registered, "healthy")
        states |= dict.fromkeys(groups[0].draining, "draining")
        return {
            "TargetHealthDescriptions": [
                {"Target": {"Id": target, "Port": 30080}, "TargetHealth": {"State": state}}
                for target, state in states.items()
            ]
        }


class Elb(_Client):
    def describe_load_balancers(self) -> Any:
        self._called("DescribeLoadBalancers")
        names = [group.name for group in self._balancing.classic]
        return {"LoadBalancerDescriptions": [{"LoadBalancerName": name} for name in names]}

    def describe_tags(self, LoadBalancerNames: list[str]) -> Any:
        assert len(LoadBalancerNames) <= 20
        self._called("DescribeTags")
        found = [group for group in self._balancing.classic if group.name in LoadBalancerNames]
        return {"TagDescriptions": [{"LoadBalancerName": each.name, "Tags": _tags(each)} for each in found]}

    def describe_instance_health(self, LoadBalancerName: str) -> Any:
        self._called("DescribeInstanceHealth")
        group = next(group for group in self._balancing.classic if group.name == LoadBalancerName)
        listed = sorted(group.registered | set(group.draining))
        return {"InstanceStates": [{"InstanceId": each, "State": "InService"} for each in listed]}


def _tags(group: Group) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in group.tags.items()]


def _is_of(pod: Object, app: str) -> bool:
    return bool((pod["metadata"].get("labels") or {}).get("app") == app)
