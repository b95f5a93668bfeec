"""Counting the pods of a workload, whatever owns them: how many are ready, and how many may be missing."""
