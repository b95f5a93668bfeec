"""Access entries and pod identity."""
