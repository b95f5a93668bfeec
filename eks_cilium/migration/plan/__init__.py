"""What a migration will do, from facts alone: the order of nodes, verdicts on pods, blockers and warnings."""
