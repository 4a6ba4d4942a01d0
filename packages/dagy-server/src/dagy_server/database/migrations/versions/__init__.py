"""The changes of the tables. One that was released never changes."""
