"""Draining a node through the Eviction API, under its disruption budgets."""
