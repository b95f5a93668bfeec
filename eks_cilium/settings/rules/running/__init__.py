"""Rules about running clusters: those of modes replacement and chaining."""
