"""The Auto Scaling groups of the nodes: surge capacity before a drain, sizes restored after the last one."""
