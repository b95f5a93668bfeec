"""Measurements, started by hand: `make bench` and `make bench-verdicts`. They write docs/performance.md."""
