"""The `dagy` command. Its doors are `dagy_cli.__main__.run` and `dagy_cli.main.main`."""
