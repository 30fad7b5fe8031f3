"""``make faults``: what happens when things break, counted. See ``README.md``."""
