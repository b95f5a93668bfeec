"""What steers and observes a run from outside, through the record in the cluster alone."""
