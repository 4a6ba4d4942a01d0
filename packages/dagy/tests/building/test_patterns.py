from __future__ import annotations

import pytest

from dagy.building._patterns import pattern_of
from dagy_types.errors import UsageError


@pytest.mark.parametrize(
    ("pattern", "matching", "others"),
    [
        ("a.sql", ["a.sql"], ["b/a.sql", "a.sqlx", "aXsql"]),
        ("./a.sql", ["a.sql"], ["b.sql"]),
        ("sql", ["sql", "sql/a", "sql/b/c"], ["sqlx/a", "a/sql"]),
        ("sql/", ["sql/a", "sql/b/c"], ["a"]),
        ("*.sql", ["a.sql", ".sql"], ["a/b.sql"]),
        ("sql/*", ["sql/a"], ["sql/a/b", "sql"]),
        ("**/*.sql", ["a.sql", "b/a.sql", "c/b/a.sql"], ["a.sqlx"]),
        ("sql/**", ["sql/a", "sql/a/b"], ["a/sql"]),
        ("sql/**/a.sql", ["sql/a.sql", "sql/x/y/a.sql"], ["sqla.sql"]),
        ("a?.txt", ["ab.txt"], ["a/.txt", "abc.txt"]),
        ("[ab].txt", ["a.txt", "b.txt"], ["c.txt"]),
        ("[!ab].txt", ["c.txt"], ["a.txt"]),
        ("[a-c].txt", ["b.txt"], ["d.txt", "-.txt"]),
        ("[]].txt", ["].txt"], ["a.txt"]),
        ("a[.txt", ["a[.txt"], ["a.txt"]),
    ],
)
def test_a_pattern_matches_as_a_shell_would(
    pattern: str, matching: list[str], others: list[str]
) -> None:
    compiled = pattern_of(pattern)
    assert [path for path in matching if not compiled.matches(path)] == []
    assert [path for path in others if compiled.matches(path)] == []


@pytest.mark.parametrize("text", ["", "/", "./", "/etc/passwd", "../a", "a/../../b", "~/a", "a\0"])
def test_a_pattern_does_not_lead_out_of_the_directory(text: str) -> None:
    with pytest.raises(UsageError, match="names no files below the directory"):
        pattern_of(text)
