"""Three months of doors opened and servers entered, with three kinds of wrongdoing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.random import Generator

START = pd.Timestamp("2024-09-02")  # a Monday
N_WEEKS = 13
DAY_SECONDS = 86_400
N_USERS = 220
COLUMNS = (
    *(
        "event_id",
        "event_time",
        "user_id",
        "department",
        "resource_code",
        "remote",
        "privileged",
        "after_hours",
    ),
    *("failed_attempts", "session_minutes", "megabytes_out", "event_class"),
)
DEPARTMENTS = ("Engineering", "Finance", "Human Resources", "Operations", "Sales")
DEPARTMENT_SHARES = (0.34, 0.14, 0.10, 0.24, 0.18)

# code -> (what it is, the department at home there; None: everyone)
RESOURCES: dict[str, tuple[str, str | None]] = {
    "0010": ("Main entrance", None),
    "0020": ("Garage", None),
    "0105": ("Laboratory door", "Engineering"),
    "0110": ("Archive of contracts", "Finance"),
    "0120": ("Warehouse gate", "Operations"),
    "0310": ("VPN gateway", None),
    "0401": ("Source code server", "Engineering"),
    "0402": ("Accounting server", "Finance"),
    "0403": ("Personnel server", "Human Resources"),
    "0404": ("Logistics server", "Operations"),
    "0405": ("Customer database", "Sales"),
}
FIRST_SERVER_CODE = "0310"  # codes from here on are logins, those below are doors


def access_events(*, seed: int = 41, n_events: int = 5_000) -> pd.DataFrame:
    """The access log of one company: 220 people, eleven doors and servers, about 5,000 events.

    Planted, and named in `event_class` (everything else is "normal"):

    - *brute_force*: runs of failed attempts, mostly from outside, ending in a very short session;
    - *exfiltration*: long sessions that carry away far more than usual, often late;
    - *misuse*: someone at another department's door or server, mostly out of hours, often with elevated
      rights. No single number is strange, only the combination; these are the hard ones.

    Honest look-alikes: mistyped passwords, backups by Operations (many megabytes), people
    on call. Doors have no session, so `session_minutes` and `megabytes_out` are missing there; some
    badge readers lost `failed_attempts`. `user_id` and `resource_code` are text with leading zeros.
    """
    rng = np.random.default_rng(seed)
    users = pd.DataFrame(
        {
            "user_id": [
                f"{number:05d}" for number in np.sort(rng.choice(np.arange(100, 4_000), N_USERS, False))
            ],
            "department": rng.choice(DEPARTMENTS, size=N_USERS, p=DEPARTMENT_SHARES),
            "privileged": rng.random(N_USERS) < 0.12,
            "works_remotely": rng.beta(1.2, 4.0, N_USERS),
        }
    )
    n_wrong = (round(0.011 * n_events), round(0.006 * n_events), round(0.008 * n_events))
    events = pd.concat(
        [
            _normal(rng, users, n_events - sum(n_wrong)),
            _brute_force(rng, users, n_wrong[0]),
            _exfiltration(rng, users, n_wrong[1]),
            _misuse(rng, users, n_wrong[2]),
        ],
        ignore_index=True,
    )
    door = events["resource_code"] < FIRST_SERVER_CODE
    events.loc[door, ["session_minutes", "megabytes_out"]] = np.nan
    events.loc[door & (rng.random(len(events)) < 0.02), "failed_attempts"] = np.nan
    events[["session_minutes", "megabytes_out"]] = events[["session_minutes", "megabytes_out"]].round(1)
    events = events.sort_values(["event_time", "user_id"], ignore_index=True)
    hours = events["event_time"].dt
    events["after_hours"] = (hours.hour < 6) | (hours.hour >= 20) | (hours.day_of_week >= 5)
    events["event_id"] = [f"{number:07d}" for number in range(1, len(events) + 1)]
    return events[list(COLUMNS)]


def codes() -> pd.DataFrame:
    """What each resource code stands for: the workbook's "Codes" sheet."""
    return pd.DataFrame(
        [
            (code, name, "door" if code < FIRST_SERVER_CODE else "login", home or "all")
            for code, (name, home) in RESOURCES.items()
        ],
        columns=["resource_code", "resource", "kind", "home_department"],
    )


def _normal(rng: Generator, users: pd.DataFrame, n: int) -> pd.DataFrame:
    who = _people(rng, users, n)
    shared = [code for code, (_, home) in RESOURCES.items() if home is None]
    own = np.array([_own_resource(rng, department) for department in who["department"]])
    stray = rng.choice(list(RESOURCES), size=n)  # visits to colleagues, help with their servers
    draw = rng.random(n)
    code = np.where(draw < 0.45, rng.choice(shared, size=n), np.where(draw < 0.97, own, stray))
    events = _events(rng, who, code, when=_office_time(rng, n, night_share=0.035))
    backup = (who["department"] == "Operations") & (code == "0404") & (rng.random(n) < 0.06)
    events.loc[backup, "megabytes_out"] *= 25
    events.loc[backup, "session_minutes"] += 60
    return events


def _brute_force(rng: Generator, users: pd.DataFrame, n: int) -> pd.DataFrame:
    """Runs of about six events each, minutes apart, on one account."""
    victims = _people(rng, users, n // 6 + 1)
    who = victims.loc[victims.index.repeat(6)].head(n).reset_index(drop=True)
    first = START + pd.to_timedelta(rng.integers(0, N_WEEKS * 7 * 1_440, len(victims)), unit="min")
    when = first.repeat(6)[:n] + pd.to_timedelta(
        np.tile(np.arange(6), n)[:n] * 90 + rng.integers(0, 60, n), unit="s"
    )
    code = rng.choice(["0310", "0402", "0403", "0405"], size=len(victims)).repeat(6)[:n]
    events = _events(rng, who, code, when=when)
    return events.assign(
        remote=rng.random(n) < 0.85,
        failed_attempts=2.0 + rng.poisson(5.0, n),
        session_minutes=rng.exponential(0.8, n),
        megabytes_out=rng.exponential(0.4, n),
        event_class="brute_force",
    )


def _exfiltration(rng: Generator, users: pd.DataFrame, n: int) -> pd.DataFrame:
    who = _people(rng, users, n)
    code = rng.choice(["0401", "0403", "0405"], size=n)
    events = _events(rng, who, code, when=_office_time(rng, n, night_share=0.6))
    events["session_minutes"] += rng.lognormal(4.3, 0.5, n)
    return events.assign(megabytes_out=rng.lognormal(6.3, 0.9, n), event_class="exfiltration")


def _misuse(rng: Generator, users: pd.DataFrame, n: int) -> pd.DataFrame:
    who = _people(rng, users, n)
    foreign = [
        rng.choice([code for code, (_, home) in RESOURCES.items() if home not in (None, department)])
        for department in who["department"]
    ]
    events = _events(rng, who, np.array(foreign), when=_office_time(rng, n, night_share=0.85))
    return events.assign(privileged=rng.random(n) < 0.6, event_class="misuse")


def _events(rng: Generator, who: pd.DataFrame, code: Any, *, when: Any) -> pd.DataFrame:
    """Ordinary events of these people at these resources and times. One row each."""
    n = len(who)
    minutes = rng.lognormal(3.0, 0.8, n)
    login = code >= FIRST_SERVER_CODE
    return pd.DataFrame(
        {
            "event_time": when,
            "user_id": who["user_id"],
            "department": who["department"],
            "resource_code": code,
            "remote": login & (rng.random(n) < who["works_remotely"]),
            "privileged": who["privileged"],
            "failed_attempts": rng.poisson(0.12, n).astype(float) + (rng.random(n) < 0.01) * 3,
            "session_minutes": minutes,
            "megabytes_out": minutes * rng.lognormal(-1.0, 1.0, n),
            "event_class": "normal",
        }
    )


def _people(rng: Generator, users: pd.DataFrame, n: int) -> pd.DataFrame:
    return users.iloc[rng.integers(0, len(users), n)].reset_index(drop=True)


def _own_resource(rng: Generator, department: str) -> str:
    return str(rng.choice([code for code, (_, home) in RESOURCES.items() if home == department]))


def _office_time(rng: Generator, n: int, *, night_share: float) -> Any:
    """Times on working days around office hours, with that share of them late at night instead."""
    day = rng.integers(0, N_WEEKS, n) * 7 + rng.choice(
        7, size=n, p=[0.19, 0.19, 0.19, 0.19, 0.18, 0.035, 0.025]
    )
    by_day = np.clip(rng.normal(12.5, 2.8, n), 5.5, 20.5)
    by_night = rng.uniform(21.0, 28.5, n)  # past midnight belongs to the night before
    hour = np.where(rng.random(n) < night_share, by_night, by_day)
    return START + pd.to_timedelta((day * DAY_SECONDS + hour * 3600).astype("int64"), unit="s")
