"""Add-ons: calls, catalogue, and their objects in a cluster."""
