"""Cilium on AWS EKS: everything of the product but its Pulumi components and stack programs."""
