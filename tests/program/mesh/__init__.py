"""Clusters that are to be joined: facts, checks, gates."""
