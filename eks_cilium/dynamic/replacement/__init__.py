"""Dynamic resources of a replacement: inventory, affinity, gates, surge and one rotation per node."""
