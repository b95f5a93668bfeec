"""The DaemonSet aws-node: its affinity, its removal and return, and its SNAT exclusions."""
