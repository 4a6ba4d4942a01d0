"""Where on the disk of a server things of its runs are."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Places:
    """The directory of all that is executed here."""

    root: Path

    @property
    def environments(self) -> Path:
        """Where the environments are, one for each set of requirements."""
        return self.root / "environments"

    @property
    def runs(self) -> Path:
        """Where the directories of runs are."""
        return self.root / "runs"

    @property
    def logs(self) -> Path:
        """Where a worker that was surprised says by what, in a file for each run."""
        return self.root / "logs"

    def log_of(self, run_id: str) -> Path:
        """Where the workers of a run say by what they were surprised."""
        return self.logs / f"{run_id}.log"

    @property
    def log_of_starts(self) -> Path:
        """Where workers say so that have no run yet."""
        return self.root / "starts.log"

    def of_run(self, first_run_id: str) -> RunPlaces:
        """Return the places of a run and of all that retry it.

        Args:
            first_run_id: The one that retries no other.
        """
        return RunPlaces(self.runs / first_run_id)

    def server_id(self) -> str:
        """Return the id of the server that has this disk; it is made when there is none."""
        path = self.root / "server-id"
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.exists():
            scratch = path.with_suffix(".new")
            scratch.write_text(f"srv_{secrets.token_hex(10)}")
            scratch.replace(path)
        return path.read_text()


@dataclass(frozen=True, slots=True)
class RunPlaces:
    """The directory of a run and of those that retry it, which share one record."""

    root: Path

    @property
    def lock(self) -> Path:
        """Held by the worker of the run, and by all processes of its flow."""
        return self.root / "lock"

    @property
    def holder(self) -> Path:
        """Says which processes hold the lock."""
        return self.root / "holder.json"

    @property
    def record(self) -> Path:
        """The record of the flow, a dagy-store."""
        return self.root / "record"

    @property
    def home(self) -> Path:
        """The home directory of the flow's processes."""
        return self.root / "home"

    @property
    def output(self) -> Path:
        """What user code prints outside of tasks."""
        return self.root / "output.txt"

    def archive(self, sha256: str) -> Path:
        """The archive of the flow."""
        return self.root / f"{sha256}.zip"

    def flow(self, sha256: str) -> Path:
        """The unpacked archive."""
        return self.root / f"flow-{sha256[:16]}"
