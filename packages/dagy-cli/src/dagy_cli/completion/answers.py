"""The answer to a shell: words, a line each, with what they are after a tab."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from dagy_cli.completion import FILES
from dagy_cli.completion.position import Candidate, Position, position_of
from dagy_cli.parser import COMMANDS, build_parser
from dagy_types.errors import DagyError

_MOST_RUNS = 100
_FILES = ("ARTIFACT.zip", "FILE", "FILE.json", "GLOB", "PATH.py:FLOW", "TARGET")


def answer(words: Sequence[str], environ: Mapping[str, str]) -> Iterator[str]:
    """Yield what may stand at the end of these words; no server and no keyring is asked.

    Args:
        words: Those after the name of the command, the last one unfinished.
    """
    position = position_of(words, build_parser())
    if position.value_of in _FILES:
        yield f"{FILES}\n"
        return
    for each in _candidates(position, environ):
        if each.word.startswith(position.typed):
            description = " ".join(each.description.split())
            yield f"{position.before}{each.word}\t{description}\n"


def _candidates(position: Position, environ: Mapping[str, str]) -> Iterable[Candidate]:
    look = _LOOKS.get(position.value_of or "")
    if look is None:
        return position.candidates
    try:
        return list(look(position.typed, environ))
    except DagyError:
        return ()  # a word of explanation would be taken for one that may follow


def _runs(typed: str, environ: Mapping[str, str]) -> Iterator[Candidate]:
    from dagy_store import LocalMetadataStore, local_directory
    from dagy_types import RunQuery

    directory = local_directory(environ)
    if not (directory / "dagy.db").exists():  # looking must not make one
        return
    query = RunQuery(id_prefix=typed)
    with LocalMetadataStore(directory) as store:
        for run in store.list_runs(query, limit=_MOST_RUNS):
            yield Candidate(run.run_id, f"{run.flow_name} {run.status}")


def _profiles(typed: str, environ: Mapping[str, str]) -> Iterator[Candidate]:  # noqa: ARG001
    from dagy_cli.config_file import read_config_file
    from dagy_store import local_directory

    for name, profile in sorted(read_config_file(local_directory(environ)).profiles.items()):
        yield Candidate(name, profile.api_url or "")


def _statuses(typed: str, environ: Mapping[str, str]) -> Iterator[Candidate]:  # noqa: ARG001
    from dagy_types import RunStatus

    return (Candidate(status.value.lower()) for status in RunStatus)


def _words_of_help(typed: str, environ: Mapping[str, str]) -> Iterator[Candidate]:  # noqa: ARG001
    from dagy_cli.help_pages import PAGES

    yield from (Candidate(name, summary) for name, (_, summary) in COMMANDS.items())
    yield from (Candidate(name) for name in PAGES)


def _documents(typed: str, environ: Mapping[str, str]) -> Iterator[Candidate]:  # noqa: ARG001
    from dagy_cli.schemas import DOCUMENTS

    return (Candidate(name) for name in DOCUMENTS)


_LOOKS: Mapping[str, Callable[[str, Mapping[str, str]], Iterator[Candidate]]] = {
    "RUN": _runs,
    "A": _runs,
    "B": _runs,
    "PROFILE": _profiles,
    "STATUS": _statuses,
    "WORD": _words_of_help,
    "DOCUMENT": _documents,
}
