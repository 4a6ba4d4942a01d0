"""`dagy api-keys`: one module per verb."""
