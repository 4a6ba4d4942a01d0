"""What the server remembers: its tables, how they came to be, and how they are reached."""
