"""Rules about single pods, by subject. `plan.pod_rules` and `refresh.verdicts` put them in order."""
