"""The commands: one module per noun, each with ``configure(parser)`` and small handlers."""
