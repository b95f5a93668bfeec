"""Replacing one node: its step machine, and the health of workloads afterwards."""
