"""Kubernetes objects as Pulumi resources."""
