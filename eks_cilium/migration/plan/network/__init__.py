"""What the new data path means for a plan: host ports, other plugins, policies, addresses."""
