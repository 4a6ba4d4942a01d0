"""Timelines of runs: what ran when, as lines for a terminal and as a picture."""
