"""Four stories told on the samples: a file, a model that comes with Loupe, and what its worst anomaly means.

Listing them is cheap: this file loads nothing but the standard library.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.data.samples import SAMPLES, Sample


@dataclass(frozen=True, kw_only=True)
class Story:
    """One click on the first page: a sample judged by a model, up to an anomaly with its reasons."""

    key: str
    file: str  # of a sample
    models: tuple[
        str, ...
    ]  # names of models, the one to take first; one that is not there gives way to the next
    title: str
    promise: str  # what a newcomer will see
    ending: str  # what the anomaly means, and what was planted

    @property
    def sample(self) -> Sample:
        """The sample it is told on."""
        return next(sample for sample in SAMPLES if sample.file == self.file)


STORIES: tuple[Story, ...] = (
    Story(
        key="fraud",
        file="card_transactions.csv",
        models=("card-payments",),
        title="Find a stolen card",
        promise="20,943 card payments, one in a hundred of them fraud. Which payment is the most suspicious, and why?",
        ending="A payment that is far too large for its holder, in a place far from home: a stolen card. No answer was "
        "told to the model; it knows only what is usual.",
    ),
    Story(
        key="bearing",
        file="bearing_vibration.csv",
        models=("bearings",),
        title="See a bearing fail",
        promise="Two weeks of vibration from four bearings. One gives way: which, and how early could it be seen?",
        ending="The outer race of bearing 3 spalls. Its vibration leaves what is usual days before the end; the events "
        "on the page of results show since when.",
    ),
    Story(
        key="sensor",
        file="machine_sensor.csv",
        models=("compressor-windows", "air-compressor"),
        title="Watch an air compressor",
        promise="A week of four sensors, minute by minute, with spikes, drifts and changes of rhythm.",
        ending="One of the stretches in which the machine was made to misbehave. Below stands what is usual around "
        "this minute, and on the page of results all of the week.",
    ),
    Story(
        key="events",
        file="access_events.xlsx",
        models=("doors-and-servers",),
        title="Spot who should not be there",
        promise="5,000 door and server events of mixed kinds from a workbook, with guessed passwords and data carried "
        "away.",
        ending="An access unlike the others of its kind, by numbers and words together: one of the planted cases of "
        "wrongdoing.",
    ),
)
