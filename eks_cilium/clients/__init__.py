"""The two outside worlds: the Kubernetes API and AWS. Transports, clocks and sleeps are injected."""
