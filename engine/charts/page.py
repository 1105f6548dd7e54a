"""A chart as a web page of its own, to keep beside a report."""

from __future__ import annotations

from engine.charts.chart import Chart


def html_page(chart: Chart, *, width: int = 900) -> str:
    """The chart as HTML, ``width`` pixels wide. The page loads Vega from where Altair says: it needs a network."""
    import altair as alt

    page = alt.Chart.from_dict({**chart.spec, "width": width, "description": chart.alt})
    return str(page.to_html())
