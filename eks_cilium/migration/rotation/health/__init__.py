"""Whether workloads of drained nodes are as healthy as before: at once, while others are drained, later."""
