"""What shells load: a script for each."""
