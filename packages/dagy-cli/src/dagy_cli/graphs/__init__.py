"""Graphs of flows as text: one module per format, each a pure function ``draw(spec, surface)``."""
