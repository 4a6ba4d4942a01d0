"""What `dagy doctor` looks at: one function for each thing, all of it without changing anything."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, wait
from threading import Thread

from dagy_cli.doctor.credentials import credentials
from dagy_cli.doctor.finding import Finding
from dagy_cli.doctor.local import configuration, local_files, record, software
from dagy_cli.doctor.network import certificates, proxies, server

__all__ = ["Finding", "examine"]

_LIMIT_SECONDS = 4.0

_LOOKS: Mapping[str, Callable[[Mapping[str, str], str | None], Sequence[Finding]]] = {
    "software": software,
    "directory": local_files,
    "record": record,
    "configuration": configuration,
    "credentials": credentials,
    "server": server,
    "proxy": proxies,
    "certificates": certificates,
}


def examine(environ: Mapping[str, str], *, profile: str | None) -> Iterator[Finding]:
    """Yield what is found, whatever answers within four seconds; the rest is said not to.

    Args:
        profile: As ``--profile`` gave it.
    """
    # Side by side: a keyring, a name server or a disk may take as long as they please.
    futures = {name: _started(look, environ, profile) for name, look in _LOOKS.items()}
    answered, _ = wait(futures.values(), timeout=_LIMIT_SECONDS)
    for name, future in futures.items():
        if future in answered:
            yield from future.result()
        else:
            yield Finding(name, "problem", f"There is no answer within {_LIMIT_SECONDS:g} s.")


def _started(
    look: Callable[[Mapping[str, str], str | None], Sequence[Finding]],
    environ: Mapping[str, str],
    profile: str | None,
) -> Future[Sequence[Finding]]:
    future: Future[Sequence[Finding]] = Future()

    def work() -> None:
        try:
            future.set_result(look(environ, profile))
        except BaseException as error:  # noqa: BLE001 (raised where the result is asked for)
            future.set_exception(error)

    # Not those of an executor, which the end of the process would wait for.
    Thread(target=work, daemon=True).start()
    return future
