"""`dagy flows`: one module per verb."""
