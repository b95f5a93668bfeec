"""Dynamic resources of chaining: agents, the list of pods to restart, one refresh per workload."""
