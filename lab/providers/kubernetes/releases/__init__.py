"""Helm releases as Pulumi resources."""
