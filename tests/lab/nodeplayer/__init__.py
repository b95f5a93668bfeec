"""Tests of the node player against a real control plane."""
