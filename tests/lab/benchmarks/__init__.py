"""What `make bench` calculates from: the ideal schedule, the lives of pods, the page."""
