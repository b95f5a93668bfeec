"""VPC, security group, peering, transit gateway and DNS resource types."""
