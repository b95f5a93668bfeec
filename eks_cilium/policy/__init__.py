"""Network policies across clusters: objects made from intents, and verdicts on traffic. Pure functions."""
