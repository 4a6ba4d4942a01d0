from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from dagy.loader import load_flow

EXAMPLE = Path(__file__).parent.parent / "examples" / "weather.py"


def test_the_weather_report_is_written_from_the_real_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    weather_report = load_flow(f"{EXAMPLE}:weather_report")
    report = weather_report.run_local(output="out").result()
    assert report == Path("out/report.md")
    lines = report.read_text(encoding="utf-8").splitlines()
    [july] = [line for line in lines if line.startswith("| Jul")]
    # Seattle, July 2013: hardly any rain, 26 °C.
    assert july.split(" | ")[2] == "26.1 °C, 0 mm"
    chart = ET.parse(report.parent / "chart.svg")
    assert len(chart.findall("{http://www.w3.org/2000/svg}polyline")) == 4
