"""Runs a program under Pulumi's mocks and records every registration in full.

Pulumi's mocks show type, name and inputs of a resource. Parents, dependencies, protection and providers are
only in the request, so the monitor keeps the requests. What providers do with the inputs is not tested here.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi.runtime import mocks as pulumi_mocks
from pulumi.runtime import rpc, settings

from eks_cilium.errors import AwsAnswer, AwsNotFoundError

ACCOUNT = "111122223333"
DEPLOYER = f"arn:aws:sts::{ACCOUNT}:assumed-role/deploy/me"
"""Who runs the programs."""
ISSUER = "oidc.eks.eu-central-1.amazonaws.com/id/ABC"
_REFERENCE = {rpc._special_sig_key: rpc._special_resource_sig}


_COMPUTED = {
    "tls:index/privateKey:PrivateKey": ("privateKeyPem",),
    "tls:index/selfSignedCert:SelfSignedCert": ("certPem",),
    "tls:index/certRequest:CertRequest": ("certRequestPem",),
    "tls:index/locallySignedCert:LocallySignedCert": ("certPem",),
    "aws:route53/zone:Zone": ("zoneId",),
    "pulumi-python:dynamic/eks-cilium:MeshEndpoint": ("host", "zone_id"),
}
"""Outputs that providers compute, and that no input supplies."""


@dataclass(frozen=True)
class Registration:
    """One resource as the engine would see it."""

    urn: str
    type: str
    name: str
    parent: str
    inputs: dict[str, Any]
    depends_on: frozenset[str]
    protect: bool
    ignore_changes: tuple[str, ...]
    provider: str
    custom: bool
    transforms: tuple[pulumi.ResourceTransform, ...] = ()
    formerly: tuple[str, ...] = ()
    """URNs by which earlier versions registered it."""


class Recorder(pulumi_mocks.MockMonitor):
    """A monitor that keeps what was registered."""

    def __init__(self, mocks: pulumi.runtime.Mocks) -> None:
        super().__init__(mocks)
        self.registrations: list[Registration] = []
        self.outputs: dict[str, dict[str, Any]] = {}

    def make_urn(self, parent: str, type_: str, name: str) -> str:
        """As the engine does, unlike the mocks: the stack itself is not part of a URN."""
        return super().make_urn("" if "pulumi:pulumi:Stack" in parent else parent, type_, name)

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - the protocol's spelling
        _forget_references(request.object)
        answer = super().RegisterResource(request)  # type: ignore[no-untyped-call] # not annotated by pulumi
        if request.type != "pulumi:pulumi:Stack":
            self.registrations.append(
                Registration(
                    urn=answer.urn,
                    type=request.type,
                    name=request.name,
                    parent=request.parent,
                    inputs=rpc.deserialize_properties(request.object),
                    depends_on=frozenset(request.dependencies),
                    protect=request.protect,
                    ignore_changes=tuple(request.ignoreChanges),
                    provider=request.provider or next(iter(request.providers.values()), ""),
                    custom=request.custom,
                    transforms=tuple(pulumi_mocks._resolve_callbacks(request.transforms)),
                    formerly=tuple(self._alias(request, alias) for alias in request.aliases),
                )
            )
        return answer

    def _alias(self, request: Any, alias: Any) -> str:
        spec = alias.spec
        parent = "" if spec.noParent else spec.parentUrn or request.parent
        return alias.urn or self.make_urn(parent, spec.type or request.type, spec.name or request.name)

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802 - the protocol's spelling
        self.outputs[request.urn] = rpc.deserialize_properties(request.outputs)
        return super().RegisterResourceOutputs(request)  # type: ignore[no-untyped-call] # not annotated by pulumi

    def of(self, kind: str) -> list[Registration]:
        """Resources of a type, given by its last part, sorted by name."""
        found = [entry for entry in self.registrations if entry.type.rpartition(":")[2] == kind]
        return sorted(found, key=lambda entry: entry.name)

    def only(self, kind: str, name: str | None = None) -> Registration:
        """The only resource of a type, or the only one of that type with a name."""
        (found,) = [entry for entry in self.of(kind) if name in (None, entry.name)]
        return found

    def by_urn(self, urn: str) -> Registration:
        """The resource with this URN."""
        (found,) = [entry for entry in self.registrations if entry.urn == urn]
        return found

    def waits_for(self, first: Registration, second: Registration) -> bool:
        """Whether `first` is created after `second`: by depends_on or a parent, directly or indirectly."""
        edges = {entry.urn: {*entry.depends_on, entry.parent} - {""} for entry in self.registrations}
        seen: set[str] = set()
        queue = [first.urn]
        while queue:
            for urn in edges.get(queue.pop(), ()):
                if urn == second.urn:
                    return True
                if urn not in seen:
                    seen.add(urn)
                    queue.append(urn)
        return False


def _forget_references(inputs: Any) -> None:
    """Put the URN in place of a resource: the SDK would look for it in a loop of the monitor's thread."""
    for key, value in inputs.fields.items():
        fields = value.struct_value.fields
        # Reading a key that does not exist would set it.
        signed = rpc._special_sig_key in fields
        if signed and fields[rpc._special_sig_key].string_value == rpc._special_resource_sig:
            inputs.fields[key].string_value = fields["urn"].string_value


class Cloud(pulumi.runtime.Mocks):
    """Echoes inputs, invents what providers compute, answers the functions the program calls."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self._answers = answers
        self.recorder: Recorder | None = None

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        identity = f"{args.name}-id"
        state = {**args.inputs, "arn": f"arn:aws:mock:eu-central-1:{ACCOUNT}:{args.name}"}
        if args.typ == "eks:index:Cluster":
            state = {
                "oidcProviderUrl": f"https://{ISSUER}",
                "oidcIssuer": ISSUER,
                "eksCluster": self._control_plane(args.name, args.inputs),
            }
        if args.typ.endswith("eks-cilium:NodeInventory"):
            state["result"] = {"taken": "2026-01-01T00:00:00", "plan": {"headline": "Plan"}}
        if args.typ.endswith("eks-cilium:PodInventory"):
            state["result"] = {"taken": "2026-01-01T00:00:00", "plan": {"headline": "Plan"}}
        if args.typ == "aws:ec2/launchTemplate:LaunchTemplate":
            state["latestVersion"] = 1
        if args.typ == "aws:eks/nodeGroup:NodeGroup":
            state["nodeGroupName"] = f"{args.name}-1a2b3c4"
        for property_name in _COMPUTED.get(args.typ, ()):
            state[property_name] = f"{property_name} of {args.name}"
        return identity, state

    def call(self, args: pulumi.runtime.MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        answer = self._answers[args.token.rpartition(":")[2]]
        if isinstance(answer, Exception):
            return {}, [("", str(answer))]
        return answer(args.args) if callable(answer) else answer, []

    def _control_plane(self, name: str, inputs: dict[str, Any]) -> dict[str, Any]:
        """A reference to the child that the remote component would have registered."""
        assert self.recorder is not None
        urn = f"urn:pulumi:test::eks-cilium::eks:index:Cluster$aws:eks/cluster:Cluster::{name}-eksCluster"
        self.recorder.resources[urn] = pulumi_mocks.MockMonitor.ResourceRegistration(
            urn,
            inputs["name"],
            {
                "name": inputs["name"],
                "arn": f"arn:aws:eks:eu-central-1:{ACCOUNT}:cluster/{inputs['name']}",
                "endpoint": "https://ABC.gr7.eu-central-1.eks.amazonaws.com",
                "certificateAuthority": {"data": "Q0E="},
                "vpcConfig": {"clusterSecurityGroupId": "sg-1", "subnetIds": []},
            },
        )
        return {**_REFERENCE, "urn": urn, "id": inputs["name"]}


BUILDS = {
    "coredns": ["v1.13.2-eksbuild.1", "v1.12.4-eksbuild.1"],
    "eks-pod-identity-agent": ["v1.3.10-eksbuild.1"],
    "kube-proxy": ["v1.35.0-eksbuild.2", "v1.34.0-eksbuild.2", "v1.33.0-eksbuild.2"],
    "vpc-cni": ["v1.20.5-eksbuild.1", "v1.20.4-eksbuild.2"],
}
"""The builds of add-ons that EKS has for every Kubernetes version here, newest first."""


class Offers:
    """What EKS offers: pages of `describe_addon_versions`."""

    def __init__(self, builds: dict[str, list[str]] | None = None) -> None:
        self._builds = BUILDS if builds is None else builds

    def paginate(self, *, addonName: str, kubernetesVersion: str) -> list[dict[str, Any]]:  # noqa: N803 - AWS's
        fits = [{"clusterVersion": kubernetesVersion, "defaultVersion": True}]
        builds = self._builds.get(addonName, [])
        versions = [{"addonVersion": build, "compatibilities": fits} for build in builds]
        return [{"addons": [{"addonName": addonName, "addonVersions": versions}] if versions else []}]


class WithoutKey:
    """boto3's clients of EKS, for a cluster without a KMS key, and of STS, for the session of a role."""

    def __init__(self, arn: str = DEPLOYER) -> None:
        self._arn = arn

    def describe_cluster(self, name: str) -> dict[str, Any]:
        return {"cluster": {"name": name}}

    def describe_access_entry(self, *, clusterName: str, principalArn: str) -> dict[str, Any]:  # noqa: N803 - AWS's
        answer = AwsAnswer("eks:DescribeAccessEntry", "ResourceNotFoundException", f"{clusterName}: none")
        raise AwsNotFoundError(f"no entry of {principalArn}", answer)

    def describe_instance_type_offerings(self, *, LocationType: str, Filters: Any) -> Any:  # noqa: N803 - AWS's
        assert LocationType == "region"
        return {"InstanceTypeOfferings": [{"InstanceType": kind} for kind in Filters[0]["Values"]]}

    def get_paginator(self, operation: str) -> Any:
        if operation == "describe_addon_versions":
            return Offers()
        assert operation == "describe_vpc_endpoints"
        return self

    def paginate(self, **_: Any) -> list[dict[str, Any]]:
        return [{"VpcEndpoints": []}]

    def get_caller_identity(self) -> dict[str, str]:
        return {"Account": self._arn.split(":")[4], "Arn": self._arn}


NOTHING_EXISTS: dict[str, Any] = {
    "getClusters": {"names": []},
    "getLogGroups": {"arns": [], "logGroupNames": []},
    "readStackOutputs": {"outputs": {}},
}
ZONES = {"names": ["eu-central-1c", "eu-central-1a", "eu-central-1b"], "zoneIds": []}


def record(
    program: Callable[[], Any], answers: dict[str, Any] | None = None, *, preview: bool = False
) -> Recorder:
    """Run a program under the mocks; returns what it registered."""
    with _own_loop() as loop:
        cloud = Cloud({"getAvailabilityZones": ZONES, **NOTHING_EXISTS, **(answers or {})})
        recorder = Recorder(cloud)
        cloud.recorder = recorder
        pulumi.runtime.set_mocks(cloud, project="eks-cilium", stack="test", preview=preview, monitor=recorder)
        loop.run_until_complete(pulumi.runtime.stack.run_pulumi_func(program))
    return recorder


@contextlib.contextmanager
def _own_loop() -> Iterator[asyncio.AbstractEventLoop]:
    """A new loop and new options, because those of an earlier run in the process cannot be used again."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        yield loop
    finally:
        settings.reset_options()
        loop.close()
        asyncio.set_event_loop(None)
