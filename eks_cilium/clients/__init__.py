"""Clients of the Kubernetes API and of AWS, with tokens and retries. They raise `eks_cilium.errors`."""
