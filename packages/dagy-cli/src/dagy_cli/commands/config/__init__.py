"""`dagy config`: one module per verb, and the wizard."""
