"""Resource types of the network: VPCs, security groups, peerings, transit gateways and DNS."""
