"""The pages that people see: plain HTML forms, nothing from anywhere else, no script."""
