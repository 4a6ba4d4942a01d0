"""`dagy store`: one module per verb."""
