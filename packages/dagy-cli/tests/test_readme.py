from __future__ import annotations

import re
from pathlib import Path

PACKAGE = Path(__file__).parents[1]
SCRIPTS = PACKAGE.parents[1] / "tests-integration"


def test_every_proof_that_the_readme_names_is_there() -> None:
    readme = (PACKAGE / "README.md").read_text(encoding="utf-8")
    proofs = re.findall(r"`((?:tests|\.\./dagy-\w+)/[\w/.]+)::(\w+)`", readme)
    assert len(proofs) > 25
    for path, name in proofs:
        assert f"def {name}(" in (PACKAGE / path).read_text(encoding="utf-8"), name
    scripts = re.findall(r"`(scripts/[\w/.-]+)`", readme)
    assert scripts
    assert all((SCRIPTS / each).exists() for each in scripts)
