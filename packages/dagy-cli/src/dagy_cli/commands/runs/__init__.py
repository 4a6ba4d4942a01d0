"""`dagy runs`: one module per verb."""
