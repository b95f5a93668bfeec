"""The callers of the cloud: account, users, roles, and the tokens of clusters."""
