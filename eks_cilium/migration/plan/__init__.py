"""What a migration will do, decided from facts alone: the order of nodes, the pods' verdicts, blockers."""
