"""Cilium on AWS EKS: everything of the product but its Pulumi components and stack programs."""

__version__ = "0.1.0"
