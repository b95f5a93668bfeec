"""Measurements, started by hand: `make bench-verdicts`. They end with a table for docs/performance.md."""
