"""``make bench``: what the addon does, measured beside its peers in the same run."""
