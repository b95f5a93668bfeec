"""Load balancers: which of a cluster's target groups hold a target, and whether it still gets traffic.

A typed client over boto3's two, `elbv2` (Application and Network Load Balancers) and `elb` (Classic). It only
reads. Methods raise what `eks_cilium.clients.aws_errors.translated` lists.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eks_cilium.errors import AwsRefusedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

NOT_USED = "unused"
"""State of a target that is not registered, or gets no traffic for another reason. States of targets:
docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetHealth.html"""
DRAINING = "draining"
"""State of a target that is being deregistered: connections it has go on, new ones go elsewhere."""

_MOST_TAGGED = 20
"""Resources of one DescribeTags request, in both APIs."""
_GONE = frozenset({"TargetGroupNotFound", "LoadBalancerNotFound", "AccessPointNotFound", "InvalidInstance"})


class LoadBalancers:
    """The load balancers of one account and region, as far as they belong to one cluster."""

    def __init__(self, elbv2: Any, elb: Any, cluster: str) -> None:
        self._elbv2, self._elb, self._cluster = elbv2, elb, cluster

    def target_groups(self) -> list[str]:
        """ARNs of the target groups whose tags say that they are the cluster's."""
        pages = self._elbv2.get_paginator("describe_target_groups").paginate()
        arns = [group["TargetGroupArn"] for page in pages for group in page["TargetGroups"]]
        return [
            described["ResourceArn"]
            for batch in _batches(arns, _MOST_TAGGED)
            for described in self._elbv2.describe_tags(ResourceArns=batch)["TagDescriptions"]
            if self._is_ours(described["Tags"])
        ]

    def states(self, target_group: str) -> dict[str, str]:
        """The states of a group's targets by their ids: instances, or addresses. Empty without a group."""
        try:
            answer = self._elbv2.describe_target_health(TargetGroupArn=target_group)
        except AwsRefusedError as error:
            if error.code in _GONE:
                return {}
            raise
        # One target may be registered with several ports: what still gets traffic decides.
        found: dict[str, str] = {}
        for described in answer["TargetHealthDescriptions"]:
            target, state = described["Target"]["Id"], described["TargetHealth"]["State"]
            found[target] = max(found.get(target, NOT_USED), state, key=_weight)
        return found

    def classic(self) -> list[str]:
        """Names of the Classic Load Balancers whose tags say that they are the cluster's."""
        pages = self._elb.get_paginator("describe_load_balancers").paginate()
        names = [each["LoadBalancerName"] for page in pages for each in page["LoadBalancerDescriptions"]]
        return [
            described["LoadBalancerName"]
            for batch in _batches(names, _MOST_TAGGED)
            for described in self._elb.describe_tags(LoadBalancerNames=batch)["TagDescriptions"]
            if self._is_ours(described["Tags"])
        ]

    def classic_sends_to(self, name: str) -> frozenset[str]:
        """The instances that a Classic Load Balancer sends to; also while it drains connections.

        It calls an instance InService until its deregistration is over
        (docs.aws.amazon.com/elasticloadbalancing/latest/classic/config-conn-drain.html).
        """
        try:
            answer = self._elb.describe_instance_health(LoadBalancerName=name)
        except AwsRefusedError as error:
            if error.code in _GONE:
                return frozenset()
            raise
        states: Iterable[Mapping[str, str]] = answer["InstanceStates"]
        return frozenset(each["InstanceId"] for each in states if each["State"] == "InService")

    def _is_ours(self, tags: Sequence[Mapping[str, str]]) -> bool:
        """By the tags of the AWS Load Balancer Controller, or of the controller in Kubernetes.

        elbv2.k8s.aws/cluster: aws-load-balancer-controller, pkg/deploy/tracking/provider.go.
        kubernetes.io/cluster/NAME: cloud-provider-aws, pkg/providers/v1/tags.go, and the ALB controller v1.
        """
        found = {tag["Key"]: tag.get("Value") for tag in tags}
        return (
            found.get("elbv2.k8s.aws/cluster") == self._cluster
            or f"kubernetes.io/cluster/{self._cluster}" in found
        )


def _weight(state: str) -> int:
    return {NOT_USED: 0, DRAINING: 1}.get(state, 2)


def _batches(items: Sequence[str], size: int) -> Iterator[list[str]]:
    for start in range(0, len(items), size):
        yield list(items[start : start + size])
