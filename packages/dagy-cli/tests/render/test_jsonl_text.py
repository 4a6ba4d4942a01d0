from __future__ import annotations

import json

from dagy_cli.render.jsonl_text import chunks
from dagy_cli.render.view import Surface, View


def test_each_document_is_one_line() -> None:
    documents = [{"text": "a\nb"}, {"text": "流"}]
    lines = list(chunks(View(documents=documents, is_list=True, blocks=()), Surface()))
    assert [json.loads(line) for line in lines] == documents
    assert all(line.count("\n") == 1 for line in lines)
