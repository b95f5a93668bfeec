"""Managed node groups: calls, rules, capacity, nodes and rolling updates."""
