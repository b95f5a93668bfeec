"""The command `eks-cilium`: plan, verdict and check, without Pulumi."""
