"""JSON Schemas of what the commands print with ``--format json`` (CLI-04)."""

from dagy_cli.schemas.documents import DOCUMENTS, schema_of

__all__ = ["DOCUMENTS", "schema_of"]
