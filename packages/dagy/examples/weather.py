"""Four years of weather in Seattle, as a report: a table by month and year, and a chart.

    dagy run weather.py:weather_report
    dagy run weather.py:weather_report --param output=seattle --max-workers 2

Reads ``data/seattle-weather.csv`` (see ``data/README.md``), writes ``report.md`` and ``chart.svg``.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from statistics import fmean

from dagy import flow, get_run_logger, task

DATA_DIRECTORY = Path(__file__).parent / "data"
YEARS = (2012, 2013, 2014, 2015)
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
COLOURS = ("#1b6ca8", "#d1495b", "#edae49", "#3c8d5a")


@dataclass(frozen=True)
class Day:
    """One day's weather: millimetres of rain and the highest temperature in °C."""

    day: date
    precipitation: float
    temp_max: float


@dataclass(frozen=True)
class Month:
    """One month's weather: mean of the daily highs in °C, and millimetres of rain in all."""

    year: int
    month: int
    mean_high: float
    rain: float


@task
def read_days(path: Path) -> list[Day]:
    """Read the daily records."""
    with path.open(newline="") as file:
        days = [
            Day(
                day=date.fromisoformat(row["date"].replace("/", "-")),
                precipitation=float(row["precipitation"]),
                temp_max=float(row["temp_max"]),
            )
            for row in csv.DictReader(file)
        ]
    get_run_logger().info("read %d days from %s", len(days), path.name)
    return days


@task
def summarise(days: list[Day], year: int) -> list[Month]:
    """Reduce the days of one year to its months."""
    months = []
    for month in range(1, 13):
        chosen = [day for day in days if (day.day.year, day.day.month) == (year, month)]
        high = fmean(day.temp_max for day in chosen)
        months.append(Month(year, month, high, sum(day.precipitation for day in chosen)))
    wettest = max(months, key=lambda month: month.rain)
    get_run_logger().info("%d: most rain in %s", year, MONTHS[wettest.month - 1])
    return months


@task
def table(years: list[list[Month]]) -> str:
    """Lay the months out as a Markdown table, one column a year."""
    lines = [
        "| | " + " | ".join(str(months[0].year) for months in years) + " |",
        "|---|" + "---:|" * len(years),
    ]
    for row in zip(*years, strict=True):
        cells = (f"{month.mean_high:.1f} °C, {month.rain:.0f} mm" for month in row)
        lines.append(f"| {MONTHS[row[0].month - 1]} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


@task
def chart(years: list[list[Month]]) -> str:
    """Draw the mean daily high of each month as SVG, one line a year."""

    def x(month: int) -> float:
        return 60 + (month - 1) * 50

    def y(degrees: float) -> float:
        return 300 - degrees * 8

    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 700 340" font-family="sans-serif"'
        ' font-size="12">',
        '<rect width="700" height="340" fill="white"/>',
    ]
    parts += [
        f'<path d="M60 {y(degrees)}H610" stroke="#ddd"/>'
        f'<text x="50" y="{y(degrees) + 4}" text-anchor="end">{degrees} °C</text>'
        for degrees in range(0, 31, 5)
    ]
    parts += [
        f'<text x="{x(number)}" y="322" text-anchor="middle">{name}</text>'
        for number, name in enumerate(MONTHS, start=1)
    ]
    for row, (months, colour) in enumerate(zip(years, COLOURS, strict=True)):
        points = " ".join(f"{x(each.month):.0f},{y(each.mean_high):.1f}" for each in months)
        parts.append(
            f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>'
            f'<text x="630" y="{40 + 20 * row}" fill="{colour}">{months[0].year}</text>'
        )
    return "\n".join([*parts, "</svg>\n"])


@task
def write_report(table: str, chart: str, output: Path) -> Path:
    """Write the report and its chart; return where the report is."""
    output.mkdir(parents=True, exist_ok=True)
    (output / "chart.svg").write_text(chart, encoding="utf-8")
    report = output / "report.md"
    report.write_text(
        "# Weather in Seattle\n\nMean of the daily highs, and rain, by month.\n\n"
        f"{table}\n\n![Mean daily high by month](chart.svg)\n",
        encoding="utf-8",
    )
    return report


@flow
def weather_report(
    data: Path = Path("seattle-weather.csv"), output: Path = Path("weather-report")
) -> Path:
    """Report on Seattle's weather by month and year."""
    days = read_days(DATA_DIRECTORY / data)
    years = [summarise(days, year) for year in YEARS]
    return write_report(table(years), chart(years), output)
