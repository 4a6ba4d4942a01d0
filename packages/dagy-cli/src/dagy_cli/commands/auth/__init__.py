"""`dagy auth`: one module per verb."""
