"""What verdicts about a running cluster depend on, as `eks-cilium verdict` and the mesh stack read it."""

from eks_cilium.cluster.cilium_objects.reading import CiliumObjects, cilium_objects

__all__ = ["CiliumObjects", "cilium_objects"]
