"""How a run looks: live while it goes, as a tree and a difference before, as JSON for machines."""
