"""Pulumi components, one idea per file. `stacks/` puts them together; none of them reads configuration."""
