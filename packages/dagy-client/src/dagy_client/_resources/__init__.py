"""Resources: what belongs together, each method the call of one operation."""
