"""Dynamic resources of chaining: the gate for agents, the recorded workloads, one refresh a workload."""
