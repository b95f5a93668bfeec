"""Networks: what the VPC CNI and an installed Cilium do, and what AWS knows of interfaces and subnets."""
