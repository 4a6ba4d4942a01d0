"""`dagy deployments`: one module per verb."""
