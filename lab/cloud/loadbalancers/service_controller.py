"""Create, change and delete the load balancer of a Service, as a cluster's controller does.

Every step reads the current state and does only what is missing, so that a request can be repeated at any
time. All calls use AWS's API: its refusals apply, and the call log shows the controller as their caller.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from lab.cloud.loadbalancers import security_groups
from lab.cloud.loadbalancers.service_request import IN_TREE, BadRequestError, ServiceRequest
from lab.cloud.loadbalancers.subnets import chosen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.cloud.extension import LabRequest
    from lab.cloud.loadbalancers.clients import Clients
    from lab.cloud.loadbalancers.service_request import Port
    from lab.cloud.running_clusters import ClusterNetwork, Clusters


class RefusedError(ValueError):
    """AWS refused a call; the message is what the controller would write into an event of the Service."""


class ServiceController:
    """The load balancers of all clusters' Services."""

    def __init__(self, clusters: Clusters, clients: Clients) -> None:
        self._clusters = clusters
        self._clients = clients
        self._one_at_a_time = threading.Lock()

    def ensure(self, request: LabRequest) -> LabRequest:
        """Create or update the load balancer of a Service; return its host name."""
        return self._work(request, Reconciliation.ensure)

    def delete(self, request: LabRequest) -> LabRequest:
        """Delete the load balancer of a Service, and everything created with it."""
        return self._work(request, Reconciliation.delete)

    def _work(self, request: LabRequest, step: Any) -> LabRequest:
        wanted = ServiceRequest.read(request)
        cluster = self._clusters.get(wanted.cluster)
        if cluster is None or cluster.network is None:
            message = f"cluster {wanted.cluster} is not running"
            raise BadRequestError(message)

        def client(service: str) -> Any:
            return self._clients.of(wanted.controller, service, cluster.region)

        with self._one_at_a_time:
            try:
                work = Reconciliation(wanted, cluster.network, client("ec2"), client("elbv2"), client("elb"))
                answer: LabRequest = step(work)
            except ClientError as error:
                raise RefusedError(str(error)) from error
        return answer


class Reconciliation:
    """One request: the wanted state of one Service's load balancer."""

    def __init__(
        self, wanted: ServiceRequest, network: ClusterNetwork, ec2: Any, elbv2: Any, elb: Any
    ) -> None:
        self._wanted = wanted
        self._network = network
        self._ec2, self._elbv2, self._elb = ec2, elbv2, elb

    def ensure(self) -> LabRequest:
        """Create or update the load balancer."""
        self._check_affinity()
        if not self._wanted.network:
            return {"hostname": self._ensure_classic()}
        balancer = self._find() or self._create()
        for port in self._wanted.ports:
            self._ensure_port(balancer["LoadBalancerArn"], port)
        security_groups.open_nodes(self._ec2, self._network, self._wanted)
        return {"hostname": balancer["DNSName"]}

    def _check_affinity(self) -> None:
        # cloud-provider-aws, pkg/providers/v1/aws.go, EnsureLoadBalancer: it is refused for every type.
        if self._wanted.controller == IN_TREE and self._wanted.affinity != "None":
            message = f"unsupported load balancer affinity: {self._wanted.affinity}"
            raise RefusedError(message)

    def delete(self) -> LabRequest:
        """Delete the load balancer, if it exists."""
        balancer = self._find()
        if balancer is not None:
            arn = balancer["LoadBalancerArn"]
            for listener in self._elbv2.describe_listeners(LoadBalancerArn=arn)["Listeners"]:
                self._elbv2.delete_listener(ListenerArn=listener["ListenerArn"])
            self._elbv2.delete_load_balancer(LoadBalancerArn=arn)
        for group in self._groups():
            self._elbv2.delete_target_group(TargetGroupArn=group)
        if self._find_classic() is not None:
            self._elb.delete_load_balancer(LoadBalancerName=self._wanted.balancer_name)
        security_groups.close_nodes(self._ec2, self._network, self._wanted)
        return {}

    # -- Network Load Balancers ------------------------------------------------------------------------------

    def _find(self) -> Mapping[str, Any] | None:
        listed = self._elbv2.describe_load_balancers()["LoadBalancers"]
        return next((each for each in listed if each["LoadBalancerName"] == self._wanted.balancer_name), None)

    def _create(self) -> Mapping[str, Any]:
        subnets = [each["SubnetId"] for each in chosen(self._ec2, self._network, self._wanted)]
        group = security_groups.create_front_group(self._ec2, self._network, self._wanted)
        created = self._elbv2.create_load_balancer(
            Name=self._wanted.balancer_name,
            Type="network",
            Scheme="internal" if self._wanted.internal else "internet-facing",
            Subnets=subnets,
            Tags=_tag_list(self._wanted.tags),
            **({"SecurityGroups": [group]} if group else {}),
        )
        balancer: Mapping[str, Any] = created["LoadBalancers"][0]
        return balancer

    def _ensure_port(self, balancer: str, port: Port) -> None:
        group = self._group_of(port) or self._create_group(port)
        listeners = self._elbv2.describe_listeners(LoadBalancerArn=balancer)["Listeners"]
        if port.port not in [listener["Port"] for listener in listeners]:
            self._elbv2.create_listener(
                LoadBalancerArn=balancer,
                Protocol="TCP",
                Port=port.port,
                DefaultActions=[{"Type": "forward", "TargetGroupArn": group}],
            )
        self._keep_targets(group, port)

    def _keep_targets(self, group: str, port: Port) -> None:
        wanted = self._wanted
        targets = wanted.addresses if wanted.by_address else wanted.instances
        number = port.target_port if wanted.by_address else port.node_port
        health = self._elbv2.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
        present = {each["Target"]["Id"] for each in health if each["TargetHealth"]["State"] != "draining"}
        new = [{"Id": target, "Port": number} for target in targets if target not in present]
        old = [{"Id": target} for target in sorted(present - set(targets))]
        if new:
            self._elbv2.register_targets(TargetGroupArn=group, Targets=new)
        if old:
            self._elbv2.deregister_targets(TargetGroupArn=group, Targets=old)

    def _create_group(self, port: Port) -> str:
        wanted = self._wanted
        created = self._elbv2.create_target_group(
            Name=wanted.target_group_name(port),
            Protocol="TCP",
            Port=port.target_port if wanted.by_address else port.node_port,
            VpcId=self._network.vpc,
            TargetType="ip" if wanted.by_address else "instance",
            HealthCheckProtocol="TCP",
            Tags=_tag_list(wanted.tags),
        )
        return str(created["TargetGroups"][0]["TargetGroupArn"])

    def _group_of(self, port: Port) -> str | None:
        listed = self._elbv2.describe_target_groups()["TargetGroups"]
        name = self._wanted.target_group_name(port)
        return next((each["TargetGroupArn"] for each in listed if each["TargetGroupName"] == name), None)

    def _groups(self) -> list[str]:
        """Return every target group of this Service, also those for ports it no longer has."""
        start = self._wanted.target_group_name(self._wanted.ports[0])[:-10] if self._wanted.ports else "-"
        listed = self._elbv2.describe_target_groups()["TargetGroups"]
        arns = [each["TargetGroupArn"] for each in listed if each["TargetGroupName"].startswith(start)]
        if not arns:
            return []
        tagged = self._elbv2.describe_tags(ResourceArns=arns)["TagDescriptions"]
        owned = set(self._wanted.tags.items())
        return [
            each["ResourceArn"]
            for each in tagged
            if owned <= {(tag["Key"], tag["Value"]) for tag in each["Tags"]}
        ]

    # -- Classic Load Balancers ------------------------------------------------------------------------------

    def _find_classic(self) -> Mapping[str, Any] | None:
        if self._wanted.controller != IN_TREE:
            return None
        listed = self._elb.describe_load_balancers()["LoadBalancerDescriptions"]
        return next((each for each in listed if each["LoadBalancerName"] == self._wanted.balancer_name), None)

    def _ensure_classic(self) -> str:
        balancer = self._find_classic()
        if balancer is None:
            self._create_classic()
            balancer = self._find_classic() or {}
        wanted = set(self._wanted.instances)
        present = {each["InstanceId"] for each in balancer["Instances"]}
        for call, instances in (
            (self._elb.register_instances_with_load_balancer, wanted - present),
            (self._elb.deregister_instances_from_load_balancer, present - wanted),
        ):
            if instances:
                listed = [{"InstanceId": each} for each in sorted(instances)]
                call(LoadBalancerName=self._wanted.balancer_name, Instances=listed)
        return str(balancer["DNSName"])

    def _create_classic(self) -> None:
        subnets = [each["SubnetId"] for each in chosen(self._ec2, self._network, self._wanted)]
        group = security_groups.create_classic_group(self._ec2, self._network, self._wanted)
        listeners = [
            {
                "Protocol": "TCP",
                "LoadBalancerPort": port.port,
                "InstanceProtocol": "TCP",
                "InstancePort": port.node_port,
            }
            for port in self._wanted.ports
        ]
        self._elb.create_load_balancer(
            LoadBalancerName=self._wanted.balancer_name,
            Listeners=listeners,
            Subnets=subnets,
            SecurityGroups=[group],
            Tags=_tag_list(self._wanted.tags),
            **({"Scheme": "internal"} if self._wanted.internal else {}),
        )
        security_groups.open_nodes_to(self._ec2, self._network, group)


def _tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]
