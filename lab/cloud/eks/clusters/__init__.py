"""Clusters: calls, updates, and their security group."""
