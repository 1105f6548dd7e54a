"""A quarter of a small web shop's orders, as a European spreadsheet program exports them."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import pandas as pd

Slip = Literal["quantity typed twice", "comma lost", "total wrong", "discount too deep", "shipping wrong"]

START = pd.Timestamp("2024-01-02")
N_DAYS = 90
CITIES = MappingProxyType(
    {  # city -> country; letters that need the Western European code page
        "Köln": "DE",
        "München": "DE",
        "Düsseldorf": "DE",
        "Zürich": "CH",
        "Genève": "CH",
        "Orléans": "FR",
        "Besançon": "FR",
        "Málaga": "ES",
        "A Coruña": "ES",
        "Århus": "DK",
        "Malmö": "SE",
        "Liège": "BE",
    }
)
ARTICLES = MappingProxyType(
    {  # article -> ordinary unit price in euro
        "Café beans 1 kg": 18.9,
        "Crème brûlée set": 34.5,
        "Tea sampler": 12.9,
        "Espresso machine": 289.0,
        "Porcelain cup": 9.8,
        "Müsli 500 g": 6.4,
        "Gift box": 44.0,
    }
)
SLIPS: MappingProxyType[int, Slip] = MappingProxyType(
    {  # row -> what went wrong there
        137: "quantity typed twice",
        402: "comma lost",
        655: "total wrong",
        811: "discount too deep",
        1_008: "shipping wrong",
        1_190: "comma lost",
        1_333: "quantity typed twice",
        1_421: "total wrong",
    }
)


def shop_orders(*, seed: int = 53, n_orders: int = 1_500) -> pd.DataFrame:
    """1,500 orders with quantity, price, discount, shipping and total; nothing is labelled.

    Planted in eight rows (`SLIPS` lists them): a quantity typed twice (3 becomes 33), a unit price
    that lost its comma (a hundred times too dear), a total that does not follow from its row, a
    discount of 95 %, shipping of a parcel by air freight. The two wrong totals are ordinary
    numbers: only their relation to the rest of the row gives them away. Some discounts and cities
    are missing. The written file adds what a reader has to cope with, see `sample_data/README.md`.
    """
    rng = np.random.default_rng(seed)
    article = rng.choice(list(ARTICLES), size=n_orders, p=[0.26, 0.08, 0.18, 0.05, 0.20, 0.16, 0.07])
    list_price = np.array([ARTICLES[name] for name in article])
    quantity = 1 + rng.poisson(np.where(list_price > 100, 0.1, 1.6))
    city = rng.choice(list(CITIES), size=n_orders)
    orders = pd.DataFrame(
        {
            "order_no": [f"{20240000 + number}" for number in range(1, n_orders + 1)],
            "order_date": START + pd.to_timedelta(np.sort(rng.integers(0, N_DAYS, n_orders)), unit="D"),
            "city": city,
            "country": [CITIES[name] for name in city],
            "article": article,
            "quantity": quantity,
            "unit price (€)": (list_price * rng.choice([0.95, 1.0, 1.0, 1.05], size=n_orders)).round(2),
            "discount (%)": rng.choice(
                [0.0, 5.0, 7.5, 10.0, 15.0], size=n_orders, p=[0.6, 0.15, 0.05, 0.15, 0.05]
            ),
            "shipping (€)": (4.9 + 0.8 * quantity + rng.choice([0.0, 2.5], size=n_orders)).round(2),
        }
    )
    for row in SLIPS:
        _slip_before_totalling(orders, row)
    orders["total (€)"] = _totals(orders)
    for row in SLIPS:
        if SLIPS[row] == "total wrong" and row < n_orders:
            orders.loc[row, "total (€)"] = round(orders.loc[row, "total (€)"] * 0.62, 2)
    orders.loc[rng.random(n_orders) < 0.015, "discount (%)"] = np.nan
    orders.loc[rng.random(n_orders) < 0.008, "city"] = None
    return orders


def _slip_before_totalling(orders: pd.DataFrame, row: int) -> None:
    """Spoil one input of an order in place; the shop's total then follows from it."""
    if row >= len(orders):
        return
    match SLIPS[row]:
        case "quantity typed twice":
            orders.loc[row, "quantity"] *= 11
        case "comma lost":
            orders.loc[row, "unit price (€)"] = round(orders.loc[row, "unit price (€)"] * 100, 2)
        case "discount too deep":
            orders.loc[row, "discount (%)"] = 95.0
        case "shipping wrong":
            orders.loc[row, "shipping (€)"] = 186.4
        case "total wrong":
            pass  # its inputs are right


def _totals(orders: pd.DataFrame) -> Any:
    paid = 1 - orders["discount (%)"] / 100
    return (orders["quantity"] * orders["unit price (€)"] * paid + orders["shipping (€)"]).round(2)
