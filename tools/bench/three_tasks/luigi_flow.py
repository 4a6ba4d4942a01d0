from __future__ import annotations

import tempfile
from pathlib import Path

import luigi


class Step(luigi.Task):
    directory = luigi.Parameter()
    number = luigi.IntParameter()

    def requires(self) -> list[Step]:
        return [Step(self.directory, self.number - 1)] if self.number > 1 else []

    def output(self) -> luigi.LocalTarget:
        return luigi.LocalTarget(str(Path(self.directory) / str(self.number)))

    def run(self) -> None:
        values = [int(each.open().read()) for each in self.input()]
        with self.output().open("w") as file:
            file.write(str(sum(values) + 1))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as directory:
        luigi.build([Step(directory, 3)], local_scheduler=True, log_level="WARNING")
        assert (Path(directory) / "3").read_text(encoding="utf-8") == "3"
