"""Which stored models may judge a data set, the best first, at no more cost than reading what is known of both."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.data.fingerprint import Fingerprint
from engine.data.schema import Fit, compare
from engine.errors import EngineError
from engine.model import Card
from engine.scoring.distributions import LevelPrint

if TYPE_CHECKING:
    from engine.data.dataset import Dataset
    from engine.store import ModelStore

UNSEEN = 0.5  # share of a column's rows with levels training never saw, from which it has moved

Prints = Callable[[str], Fingerprint | None]  # the fingerprint of a model (name@version)


@dataclass(frozen=True, kw_only=True)
class Offer:
    """One model for one data set."""

    card: Card
    fit: Fit
    extra: int  # feature columns of the data that the model does not look at
    learned: bool  # from this very content
    moved: tuple[str, ...] = ()  # columns whose middle lies where training had next to nothing
    wanted: bool = False  # the model everybody is to use

    @property
    def mappable(self) -> bool:
        """Whether every column that is missing has a likely stand-in."""
        return not self.fit.retyped and set(self.fit.missing) <= set(self.fit.renamed)

    @property
    def rank(self) -> tuple[Any, ...]:
        """Smaller is better: fits, or could by mapping; wanted; fewer columns unused; the same data; no shift."""
        tier = 0 if self.fit.fits else 1 if self.mappable else 2
        return (tier, not self.wanted, self.extra, not self.learned, bool(self.moved))


def offers_for(
    store: ModelStore, data: Dataset, *, printed: Prints, wanted: str = ""
) -> tuple[list[Offer], str]:
    """Every usable model for a data set, the best first, and what is wrong with the wanted one, if anything is.

    ``wanted`` is the model everybody is to use (``name`` or ``name@version``; empty: none). Of models that are equally
    good the newest comes first.
    """
    cards = [card for values in store.models() if (card := readable_card(values)) is not None]
    chosen, problem = _wanted(store, wanted)
    if chosen is not None and chosen.id not in {card.id for card in cards}:
        cards.append(chosen)
    empty = [name for name, facts in data.profile["columns"].items() if facts["distinct"] == 0]
    found = []
    for card in sorted(cards, key=lambda card: card.created, reverse=True):
        fit = compare(card.columns, data.types, empty=empty)
        found.append(
            Offer(
                card=card,
                fit=fit,
                extra=sum(data.roles.columns.get(column) == "feature" for column in fit.extra),
                learned=bool(card.dataset_hash) and card.dataset_hash == data.sha256,
                moved=_moved(printed, card, data.profile) if fit.fits else (),
                wanted=chosen is not None and card.id == chosen.id,
            )
        )
    for offer in found:
        if offer.wanted and not offer.fit.fits:
            problem = f"the model set for everybody, '{offer.card.id}', does not fit: {offer.fit.problem}"
    return sorted(found, key=lambda offer: offer.rank), problem


def readable_card(values: Mapping[str, Any]) -> Card | None:
    """The card of a listed model; None where it is damaged or of a detector this version does not know."""
    if values.get("damaged"):
        return None
    try:
        card = Card.from_dict(values)
        return card if card.title else None
    except EngineError:
        return None


def _wanted(store: ModelStore, ref: str) -> tuple[Card | None, str]:
    if not ref:
        return None, ""
    try:
        return Card.from_dict(store.card(ref)), ""
    except EngineError as problem:
        return None, f"the model set for everybody cannot be used: {problem}"


def _moved(printed: Prints, card: Card, profile: Mapping[str, Any]) -> tuple[str, ...]:
    try:
        known = printed(card.id)
    except EngineError:
        return ()
    return moved_at_a_glance(known, profile) if known is not None else ()


def moved_at_a_glance(printed: Fingerprint, profile: Mapping[str, Any]) -> tuple[str, ...]:
    """The columns whose profile alone says that they have moved: no row is read.

    A number whose median lies outside the middle 90 % of training, or a text most of whose cells training never saw.
    """
    moved = []
    for name, column in printed.columns.items():
        facts = profile["columns"].get(name, {})
        if isinstance(column.values, LevelPrint):
            commonest = facts.get("commonest", {})
            unseen = sum(count for level, count in commonest.items() if level not in column.values.levels)
            strange = column.values.knows_every_level and unseen > UNSEEN * sum(facts.get("shape", [])) > 0
        else:
            median = facts.get("median")
            strange = (
                median is not None
                and len(column.values.points) > 0
                and not column.values.quantile(0.05) <= median <= column.values.quantile(0.95)
            )
        if strange:
            moved.append(name)
    return tuple(moved)
