"""What each command of ``models`` does: the library of trained models, without the screen."""

from __future__ import annotations

import argparse
import json
from typing import Any

from engine.console import json_text, store_of
from engine.errors import StoreError, UsageError
from engine.workspace import Workspace


def list_models(options: argparse.Namespace) -> None:
    """Every model with its active version."""
    cards = store_of(options).models()
    if options.json:
        print(json_text([_short(card) for card in cards]))
        return
    if not cards:
        print("no model has been trained yet; `train DATA --name NAME` makes one")
    for card in cards:
        if card.get("damaged"):
            print(f"{card['name']}: damaged: {card['damaged']}")
        else:
            print(
                f"{card['name']}@{card['version']}  {card['detector']}  {card['rows']:,} rows of {card['dataset']}"
                f"  {card['created'][:16].replace('T', ' ')}"
            )


def show_model(options: argparse.Namespace) -> None:
    """The card of a model, without the long list of reference scores, and the folder of the run that made it."""
    card = _short(store_of(options).card(options.model))
    run = Workspace.from_environment().runs.find(f"{card['name']}@{card['version']}", card["created"])
    card["run"] = run and str(run)
    print(json_text(card) if options.json else json.dumps(card, indent=2, default=str))


def promote_model(options: argparse.Namespace) -> None:
    """Make a version the active one of its name."""
    store = store_of(options)
    if "@" not in options.model:
        raise UsageError(f"promote needs a version, such as {options.model}@1")
    store.promote(options.model)
    print(
        json_text({"model": options.model}) if options.json else f"{options.model} is now the active version"
    )


def delete_model(options: argparse.Namespace) -> None:
    """Delete a version, or every version of a name."""
    store_of(options).delete(options.model)
    print(json_text({"model": options.model}) if options.json else f"{options.model} is deleted")


def roll_back_model(options: argparse.Namespace) -> None:
    """Make the version active that was so before."""
    ref = str(store_of(options).roll_back(options.model))
    print(json_text({"model": ref}) if options.json else f"{ref} is the active version again")


def export_model(options: argparse.Namespace) -> None:
    """Write a model as a bundle, one file to send."""
    from engine.bundle import export_bundle
    from engine.report import put

    if options.output.suffix.lower() != ".zip":
        raise UsageError(f"a bundle's name must end in .zip, got '{options.output.name}'")
    if not options.output.parent.is_dir():
        raise UsageError(f"there is no folder '{options.output.parent}'")
    store = store_of(options)
    ref = str(store.resolve(options.model))
    put(options.output, export_bundle(store, ref))
    answer = {"model": ref, "output": str(options.output)}
    print(json_text(answer) if options.json else f"{ref} -> {options.output}")


def import_model(options: argparse.Namespace) -> None:
    """Check a bundle and keep its model as the next version of its name."""
    from engine.bundle import import_bundle

    if not options.bundle.is_file():
        raise UsageError(f"there is no file '{options.bundle}'")
    card = import_bundle(store_of(options), options.bundle, name=options.name)
    print(json_text({"model": card.id}) if options.json else f"{card.id} is imported: {card.title}")


def verify_models(options: argparse.Namespace) -> None:
    """Check every stored part against its checksum."""
    problems = [str(problem) for problem in store_of(options).verify()]
    if options.json:
        print(json_text({"problems": problems}))
    elif not problems:
        print("every stored model is sound")
    if problems:
        raise StoreError("; ".join(problems))


def _short(card: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in card.items() if key != "reference"}
