"""Who calls the cloud: account, users, roles, and the tokens of clusters."""
