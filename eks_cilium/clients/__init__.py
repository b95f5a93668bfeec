"""Clients of the Kubernetes API and of AWS: sessions, tokens, retries. Their errors are `eks_cilium.errors`."""
