"""How a run works on a cluster: its context, Lease, record, journal, clock and errors."""
