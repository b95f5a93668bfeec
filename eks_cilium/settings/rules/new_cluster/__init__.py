"""Rules about what a new cluster can have besides nodes and Cilium; `settings.rules` applies them."""
