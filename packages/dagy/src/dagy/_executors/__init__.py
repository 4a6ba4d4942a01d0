"""What runs attempts. Executors know nothing of graphs."""
