"""One cluster's part of a mesh: certificates, a ClusterMesh release, its load balancer and its host name.

The release stands beside the cluster's own Cilium release; `eks_cilium.cilium.mesh` has its values. Where the
chart does not create the Secrets of the certificates, this component does, before the pods that mount them.
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
from eks_cilium.dynamic.mesh_gates import MeshEndpoint, MeshRemoval

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from eks_cilium.cilium.versions import Release

_LABELS = {"app.kubernetes.io/managed-by": "eks-cilium", "app.kubernetes.io/part-of": "cilium"}


class ClusterMeshArgs(TypedDict):
    """The arguments of a `ClusterMesh` component."""

    cluster: str
    """Name of the cluster in Cilium."""
    cluster_id: int
    """Id of the cluster in Cilium, unique in the mesh."""
    release: Release
    """The Cilium release of the cluster, from `eks_cilium.cilium.versions`."""
    remotes: Sequence[str]
    """Names, in Cilium, of the other clusters."""
    authority: MeshAuthority
    annotations: Mapping[str, str]
    """Annotations of the Service behind the load balancer."""
    chart_repository: str
    """An https:// repository, an oci:// path, or a directory that holds cilium-<version>.tgz."""
    replicas: int
    """Replicas of the ClusterMesh API server."""
    max_clusters: int
    """How many clusters the cluster's own Cilium release leaves room for."""
    eks_name: str
    """Name of the cluster in EKS."""
    region: str
    profile: str | None
    """AWS profile of the cluster's account; the environment's credentials where it is None."""
    subnets: Sequence[str]
    """Ids of the subnets that have routes to the other clusters."""
    zone_id: pulumi.Input[str]
    """Id of the mesh's private zone."""
    zone_provider: aws.Provider
    """Provider of the account that holds the zone."""
    seconds: int
    """How long the load balancer may take until it serves."""


class ClusterMesh(pulumi.ComponentResource):
    """A cluster that the other clusters of a mesh can connect to, and that connects to them.

    It takes the Kubernetes provider of the cluster from its resource options. It exists once the load
    balancer serves and has its name; `MeshReadiness` checks whether the clusters see each other.
    """

    host: pulumi.Output[str]
    """DNS name of its load balancer."""
    fingerprint: pulumi.Output[str]
    """A digest that changes with any of its certificates."""

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
        endpoint = self._endpoint(self._release([*self._secrets(), self._removal()]))
        self._create_record(endpoint)
        self.host, self.fingerprint = endpoint.host, self._certificates.fingerprint
        self.register_outputs({"host": self.host})

    def _secrets(self) -> list[pulumi.Resource]:
        # Some charts create the Secrets themselves, from certificates in their values.
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

    def _removal(self) -> MeshRemoval:
        """Deleted after the release: then it waits until the controller has deleted the load balancer."""
        args = self._args
        return MeshRemoval(
            self._name,
            {
                "cluster_name": args["eks_name"],
                "region": args["region"],
                "profile": args["profile"],
                "seconds": args["seconds"],
            },
            pulumi.ResourceOptions(parent=self),
        )

    def _release(self, after: Sequence[pulumi.Resource]) -> kubernetes.helm.v3.Release:
        # Not awaited: its pods become Ready when they reach the other clusters, whose parts may come later.
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
            max_clusters=args["max_clusters"],
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
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(after)),
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

    def _create_record(self, endpoint: MeshEndpoint) -> None:
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
