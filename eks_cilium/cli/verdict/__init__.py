"""The command `eks-cilium verdict`: who may reach whom in running clusters, and why."""

from eks_cilium.cli.verdict.command import app

__all__ = ["app"]
