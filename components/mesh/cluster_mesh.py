"""One cluster's part in a mesh: certificates, the ClusterMesh release, its load balancer, its name.

The release is one of its own beside the cluster's, see `cilium.mesh`. Where the chart leaves the Secrets of
the certificates to others they are made here, before the pods that mount them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as kubernetes

from components.cilium import chart_of
from components.mesh.authority import MemberCertificates, MeshAuthority, Signed, b64
from components.naming import token
from eks_cilium.cilium.mesh import NAMESPACE, RELEASE_NAME, MeshMember, certificates, host_name, mesh_values
from eks_cilium.dynamic.mesh_gates import MeshEndpoint

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from eks_cilium.cilium.versions import Release

_LABELS = {"app.kubernetes.io/managed-by": "eks-cilium", "app.kubernetes.io/part-of": "cilium"}


class ClusterMeshArgs(TypedDict):
    """What a `ClusterMesh` is made from."""

    cluster: str
    """Name of the cluster in Cilium."""
    cluster_id: int
    release: Release
    remotes: Sequence[str]
    """Names of the other clusters."""
    authority: MeshAuthority
    annotations: Mapping[str, str]
    """Of the load balancer's Service."""
    chart_repository: str
    replicas: int
    eks_name: str
    region: str
    profile: str | None
    subnets: Sequence[str]
    """Subnets with routes to the other clusters."""
    zone_id: pulumi.Input[str]
    zone_provider: aws.Provider
    seconds: int


class ClusterMesh(pulumi.ComponentResource):
    """A cluster that the others can find, and that looks for them."""

    host: pulumi.Output[str]
    """Of its load balancer."""
    fingerprint: pulumi.Output[str]
    """Of its certificates."""

    def __init__(self, name: str, args: ClusterMeshArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(token("ClusterMesh"), name, {}, opts)
        self._name, self._args = name, args
        self._certificates = MemberCertificates(
            name,
            {
                "authority": args["authority"],
                "certificates": certificates(args["release"], args["cluster"]),
            },
            pulumi.ResourceOptions(parent=self),
        )
        endpoint = self._endpoint(self._release(self._secrets()))
        self._give_a_name(endpoint)
        self.host, self.fingerprint = endpoint.host, self._certificates.fingerprint
        self.register_outputs({"host": self.host})

    def _secrets(self) -> list[pulumi.Resource]:
        """One for each certificate, where the chart does not make them."""
        if self._args["release"].mesh_certificates_are_values:
            return []
        wanted = certificates(self._args["release"], self._args["cluster"])
        return [
            self._secret(wanted[kind].secret, signed) for kind, signed in self._certificates.signed.items()
        ]

    def _secret(self, secret: str, signed: Signed) -> kubernetes.core.v1.Secret:
        return kubernetes.core.v1.Secret(
            f"{self._name}-{secret}",
            metadata=kubernetes.meta.v1.ObjectMetaArgs(name=secret, namespace=NAMESPACE, labels=_LABELS),
            type="kubernetes.io/tls",
            data={
                "ca.crt": b64(self._certificates.trusted),
                "tls.crt": b64(signed.certificate),
                "tls.key": b64(signed.key),
            },
            opts=pulumi.ResourceOptions(parent=self, additional_secret_outputs=["data"]),
        )

    def _release(self, secrets: Sequence[pulumi.Resource]) -> kubernetes.helm.v3.Release:
        """It does not wait: its pods are ready once they have seen the others, and those come later."""
        args = self._args
        member = MeshMember(
            release=args["release"],
            cluster_name=args["cluster"],
            cluster_id=args["cluster_id"],
            remotes=args["remotes"],
            annotations=args["annotations"],
            authority=b64(self._certificates.trusted),
            fingerprint=self._certificates.fingerprint,
            key_pairs=self._certificates.key_pairs(),
            replicas=args["replicas"],
        )
        return kubernetes.helm.v3.Release(
            self._name,
            name=RELEASE_NAME,
            namespace=NAMESPACE,
            version=args["release"].version,
            values=mesh_values(member),
            skip_await=True,
            max_history=10,
            timeout=600,
            **chart_of(args["chart_repository"], args["release"].version),
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(secrets)),
        )

    def _endpoint(self, release: kubernetes.helm.v3.Release) -> MeshEndpoint:
        args = self._args
        return MeshEndpoint(
            self._name,
            {
                "cluster_name": args["eks_name"],
                "region": args["region"],
                "profile": args["profile"],
                "subnets": list(args["subnets"]),
                "annotations": dict(args["annotations"]),
                "release": release.id,
                "seconds": args["seconds"],
            },
            pulumi.ResourceOptions(parent=self, depends_on=[release]),
        )

    def _give_a_name(self, endpoint: MeshEndpoint) -> None:
        name = host_name(self._args["cluster"])
        aws.route53.Record(
            self._name,
            zone_id=self._args["zone_id"],
            name=name,
            type="A",
            aliases=[
                aws.route53.RecordAliasArgs(
                    name=endpoint.host, zone_id=endpoint.zone_id, evaluate_target_health=False
                )
            ],
            opts=pulumi.ResourceOptions(parent=self, provider=self._args["zone_provider"]),
        )
