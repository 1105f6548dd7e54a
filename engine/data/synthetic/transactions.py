"""Two months of card payments with three kinds of fraud among them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.random import Generator

START = pd.Timestamp("2024-03-01")
DAY_SECONDS = 86_400
COLUMNS = (
    *("transaction_id", "timestamp", "customer_id", "age_group", "region", "merchant_category", "channel"),
    *("amount", "seconds_since_last", "distance_from_home_km", "transactions_last_24h", "amount_vs_usual"),
    "is_fraud",
)
MIN_HISTORY = 5  # earlier payments a customer needs before "usual" means anything

AGE_GROUPS = ("18-25", "26-35", "36-50", "51-65", "66+")
AGE_SHARES = (0.14, 0.24, 0.29, 0.21, 0.12)
SPEND_BY_AGE = (0.7, 1.0, 1.25, 1.15, 0.85)
ONLINE_BY_AGE = (0.42, 0.38, 0.30, 0.20, 0.11)
REGIONS = ("North", "East", "South", "West", "Capital")
REGION_SHARES = (0.18, 0.15, 0.22, 0.20, 0.25)
# payments by hour of the day: quiet at night, busy at noon and after work
HOUR_WEIGHTS = np.array(
    [2, 1, 1, 1, 1, 2, 5, 12, 18, 20, 22, 27, 32, 28, 24, 24, 27, 34, 36, 30, 22, 16, 10, 5]
)


@dataclass(frozen=True)
class _Category:
    """A kind of shop: how often it is visited, and what a median visit costs."""

    name: str
    share: float
    median_amount: float
    spread: float  # standard deviation of the logarithm of the amount


CATEGORIES = (
    _Category("groceries", 0.30, 34.0, 0.65),
    _Category("restaurant", 0.15, 22.0, 0.60),
    _Category("transport", 0.14, 4.2, 0.70),
    _Category("fuel", 0.09, 52.0, 0.35),
    _Category("clothing", 0.08, 58.0, 0.70),
    _Category("digital goods", 0.08, 7.5, 0.80),
    _Category("pharmacy", 0.05, 16.0, 0.60),
    _Category("cash withdrawal", 0.04, 90.0, 0.55),
    _Category("electronics", 0.03, 140.0, 0.90),
    _Category("travel", 0.02, 260.0, 0.80),
    _Category("luxury", 0.01, 240.0, 0.80),
    _Category("charity", 0.01, 20.0, 0.80),
)


def card_transactions(*, seed: int = 11, n_customers: int = 400, n_days: int = 60) -> pd.DataFrame:
    """About 20,000 payments of 400 card holders in time order; some 1 % of them are fraud.

    Planted, and labelled in `is_fraud`:

    - *stolen card abroad*: two to four card-present payments far from home within a few hours of
      the night, larger than usual;
    - *card testing*: six to eleven tiny online payments seconds apart;
    - *slow high-value*: three to five expensive online orders, days apart, by daylight. Each looks
      like an ordinary large purchase, so these are the hard ones.

    Honest look-alikes carry no label: holidays abroad, people who shop at night, runs of bus
    tickets within minutes, and the occasional dear purchase. `seconds_since_last`,
    `transactions_last_24h` and `amount_vs_usual` look only at the customer's strictly earlier
    payments; the first is missing where there are none, the last where there are fewer than five.
    A few further cells are missing.
    """
    rng = np.random.default_rng(seed)
    customers = _customers(rng, n_customers)
    payments = pd.concat(
        [
            _ordinary(rng, customers, n_days),
            _stolen_abroad(rng, customers, n_days),
            _card_testing(rng, customers, n_days),
            _slow_high_value(rng, customers, n_days),
        ],
        ignore_index=True,
    )
    payments["amount"] = payments["amount"].clip(lower=0.2).round(2)
    payments["distance_from_home_km"] = payments["distance_from_home_km"].round(1)
    payments["timestamp"] = START + pd.to_timedelta(payments.pop("second").astype("int64"), unit="s")
    payments = payments.drop_duplicates(["customer_id", "timestamp"])  # so that "earlier" is unambiguous
    payments = payments.sort_values(["timestamp", "customer_id"], ignore_index=True)
    payments = with_past_aggregates(
        payments.merge(customers[["customer_id", "age_group", "region"]], how="left", on="customer_id")
    )
    payments.insert(0, "transaction_id", [f"T{number:06d}" for number in range(1, len(payments) + 1)])
    _lose_cells(rng, payments)
    return payments[list(COLUMNS)]


def with_past_aggregates(payments: pd.DataFrame) -> pd.DataFrame:
    """The payments with three columns of history added, each from strictly earlier rows only.

    Expects columns customer_id, timestamp and amount, sorted by time, no two payments of one
    customer in the same second.
    """
    by_customer = payments.groupby("customer_id", sort=False)
    return payments.assign(
        seconds_since_last=by_customer["timestamp"].diff().dt.total_seconds(),
        transactions_last_24h=by_customer["timestamp"].transform(_earlier_within_a_day),
        amount_vs_usual=(payments["amount"] / by_customer["amount"].transform(_usual_amount)).round(2),
    )


def _earlier_within_a_day(times: pd.Series) -> Any:
    """How many earlier times lie at most 24 hours back; `times` ascend."""
    day_before = (times - pd.Timedelta(days=1)).to_numpy()
    return np.arange(len(times)) - np.searchsorted(times.to_numpy(), day_before)


def _usual_amount(amounts: pd.Series) -> Any:
    """The median of all earlier amounts; missing while there are fewer than five."""
    return amounts.expanding(min_periods=MIN_HISTORY).median().shift()


def _customers(rng: Generator, n_customers: int) -> pd.DataFrame:
    """Who the card holders are and how they spend; the last columns stay in this file."""
    age = rng.choice(len(AGE_GROUPS), size=n_customers, p=AGE_SHARES)
    return pd.DataFrame(
        {
            "customer_id": [f"C{number:04d}" for number in range(1, n_customers + 1)],
            "age_group": np.array(AGE_GROUPS)[age],
            "region": rng.choice(REGIONS, size=n_customers, p=REGION_SHARES),
            "spend": np.array(SPEND_BY_AGE)[age] * rng.lognormal(0.0, 0.35, n_customers),
            "online_share": np.clip(
                np.array(ONLINE_BY_AGE)[age] + rng.normal(0, 0.08, n_customers), 0.02, 0.9
            ),
            "per_day": rng.gamma(4.0, 0.83 / 4.0, n_customers),
            "radius_km": rng.lognormal(1.4, 0.5, n_customers),
            "hour_shift": np.where(rng.random(n_customers) < 0.06, 9, 0),  # night workers
            "holiday_day": np.where(rng.random(n_customers) < 0.10, rng.integers(3, 50, n_customers), -99),
            "holiday_km": rng.lognormal(7.1, 0.6, n_customers),
        }
    )


def _ordinary(rng: Generator, customers: pd.DataFrame, n_days: int) -> pd.DataFrame:
    """Everyday payments, holidays and late-night snacks included."""
    n_payments = rng.poisson(customers["per_day"] * n_days)
    who = customers.loc[customers.index.repeat(n_payments)].reset_index(drop=True)
    n = len(who)
    day = rng.integers(0, n_days, n)
    hour = (rng.choice(24, size=n, p=HOUR_WEIGHTS / HOUR_WEIGHTS.sum()) + who["hour_shift"]) % 24
    kind = rng.choice(len(CATEGORIES), size=n, p=[category.share for category in CATEGORIES])
    category = np.array([category.name for category in CATEGORIES])[kind]
    median = np.array([category.median_amount for category in CATEGORIES])[kind]
    spread = np.array([category.spread for category in CATEGORIES])[kind]
    amount = median * who["spend"] * np.exp(spread * rng.normal(size=n))
    card_present = rng.choice(["contactless", "chip"], size=n, p=[0.7, 0.3])
    channel = np.where(
        rng.random(n) < who["online_share"], "online", np.where(amount > 60, "chip", card_present)
    )
    channel = np.where(category == "digital goods", "online", channel)
    channel = np.where(
        np.isin(category, ["fuel", "transport"]) & (channel == "online"), "contactless", channel
    )
    channel = np.where(category == "cash withdrawal", "atm", channel)
    on_holiday = (day >= who["holiday_day"]) & (day < who["holiday_day"] + 7)
    distance = who["radius_km"] * rng.lognormal(0.0, 0.8, n)
    distance = np.where(channel == "online", distance * rng.lognormal(0.7, 1.2, n), distance)
    distance = np.where(on_holiday, who["holiday_km"] * rng.uniform(0.95, 1.05, n), distance)
    payments = pd.DataFrame(
        {
            "second": day * DAY_SECONDS + hour * 3600 + rng.integers(0, 3600, n),
            "customer_id": who["customer_id"],
            "merchant_category": category,
            "channel": channel,
            "amount": amount,
            "distance_from_home_km": distance,
            "is_fraud": 0,
        }
    )
    changing = payments[(payments["merchant_category"] == "transport") & (rng.random(n) < 0.2)]
    ride_on = changing.assign(second=changing["second"] + rng.integers(60, 900, len(changing)))
    return pd.concat([payments, ride_on])


def _episodes(
    rng: Generator, customers: pd.DataFrame, n_episodes: int, sizes: tuple[int, int]
) -> tuple[pd.DataFrame, Any]:
    """Victims of one kind of fraud, a row per payment, and each payment's place in its episode."""
    n_each = rng.integers(sizes[0], sizes[1] + 1, n_episodes)
    victims = customers.iloc[rng.choice(len(customers), size=n_episodes, replace=False)]
    rows = (
        victims.assign(episode=np.arange(n_episodes)).loc[victims.index.repeat(n_each)].reset_index(drop=True)
    )
    return rows, rows.groupby("episode").cumcount().to_numpy()


def _stolen_abroad(rng: Generator, customers: pd.DataFrame, n_days: int) -> pd.DataFrame:
    who, place = _episodes(rng, customers, _share_of(customers, 0.055), (2, 4))
    n, episode = len(who), who["episode"].to_numpy()
    n_episodes = episode.max() + 1
    first = rng.integers(8, n_days, n_episodes) * DAY_SECONDS + rng.integers(0, 3 * 3600, n_episodes)
    category = rng.choice(["electronics", "cash withdrawal", "luxury", "clothing"], size=n)
    return pd.DataFrame(
        {
            "second": first[episode] + place * 1500 + rng.integers(0, 1200, n),
            "customer_id": who["customer_id"],
            "merchant_category": category,
            "channel": np.where(category == "cash withdrawal", "atm", "chip"),
            "amount": 150 * who["spend"] * rng.lognormal(0.0, 0.6, n),
            "distance_from_home_km": rng.lognormal(7.6, 0.6, n_episodes)[episode]
            * rng.uniform(0.99, 1.01, n),
            "is_fraud": 1,
        }
    )


def _card_testing(rng: Generator, customers: pd.DataFrame, n_days: int) -> pd.DataFrame:
    who, place = _episodes(rng, customers, _share_of(customers, 0.026), (6, 11))
    n, episode = len(who), who["episode"].to_numpy()
    n_episodes = episode.max() + 1
    first = rng.integers(4 * DAY_SECONDS, (n_days - 1) * DAY_SECONDS, n_episodes)
    return pd.DataFrame(
        {
            "second": first[episode] + place * 45 + rng.integers(0, 40, n),
            "customer_id": who["customer_id"],
            "merchant_category": rng.choice(["digital goods", "charity"], size=n, p=[0.85, 0.15]),
            "channel": "online",
            "amount": rng.uniform(0.5, 4.9, n),
            "distance_from_home_km": rng.lognormal(4.6, 1.2, n_episodes)[episode],
            "is_fraud": 1,
        }
    )


def _slow_high_value(rng: Generator, customers: pd.DataFrame, n_days: int) -> pd.DataFrame:
    who, place = _episodes(rng, customers, _share_of(customers, 0.04), (3, 5))
    n, episode = len(who), who["episode"].to_numpy()
    first_day = rng.integers(6, n_days - 16, episode.max() + 1)[episode]
    day = first_day + place * 3 + rng.integers(0, 2, n)
    return pd.DataFrame(
        {
            "second": day * DAY_SECONDS + rng.integers(9 * 3600, 20 * 3600, n),
            "customer_id": who["customer_id"],
            "merchant_category": rng.choice(["electronics", "luxury", "travel"], size=n, p=[0.5, 0.2, 0.3]),
            "channel": "online",
            "amount": 170 * who["spend"] * rng.lognormal(0.0, 0.5, n),
            "distance_from_home_km": rng.lognormal(3.2, 1.0, n),
            "is_fraud": 1,
        }
    )


def _share_of(customers: pd.DataFrame, share: float) -> int:
    """That share of the customers as a count, at least one."""
    return max(1, round(share * len(customers)))


def _lose_cells(rng: Generator, payments: pd.DataFrame) -> None:
    """Blank some cells in place, the way a payment network does: no position, no category, no age."""
    for column, share in (
        ("distance_from_home_km", 0.02),
        ("merchant_category", 0.006),
        ("age_group", 0.012),
    ):
        payments.loc[rng.random(len(payments)) < share, column] = None
