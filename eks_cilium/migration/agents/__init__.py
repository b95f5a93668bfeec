"""The agents of a CNI: where they are wanted, the gate of a new node, and policy enforcement."""
