"""What all dynamic resources share: the wrapped operation, plan, options, cluster, progress and errors."""
