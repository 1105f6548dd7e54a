"""Long work goes on whatever the visitor does; trained models are found, mapped, kept in order."""

import re

import pytest

from tests.pages.prepared import brought, judged, pumps

TRAY = '[data-testid="stSidebar"]'


@pytest.fixture(scope="module")
def large(server, tmp_path_factory):
    """Enough rows for a training that takes a while."""
    return brought(server.space, pumps(15_000), "large.csv", tmp_path_factory.mktemp("large")).id


def start_slow_training(visitor, data, name):
    visitor.open("detect", data=data)
    visitor.fill("Name of the model", name)
    visitor.fill("Number of trees", 2000)
    visitor.click("Train")
    visitor.page.locator(TRAY).get_by_text(f"Training {name}").first.wait_for()


def card_with(visitor, text, button):
    """The innermost box that says so and has that button."""
    box = visitor.page.get_by_test_id("stVerticalBlock").filter(has_text=text)
    return box.filter(has=visitor.page.get_by_role("button", name=button)).last


def test_a_job_survives_switching_reloading_and_closing_the_tab_and_is_found_again(visitor, large):
    start_slow_training(visitor, large, "patient")
    visitor.turn_to("Models")
    tray = visitor.page.locator(TRAY)
    tray.get_by_test_id("stProgress").wait_for()
    visitor.page.reload()
    tray.get_by_test_id("stProgress").wait_for()
    old = visitor.page
    visitor.new_tab()
    old.close()
    visitor.page.wait_for_timeout(1000)
    visitor.open("detect", data=large)
    tray = visitor.page.locator(TRAY)
    tray.get_by_text("Training patient").wait_for()
    tray.get_by_test_id("stProgress").wait_for(state="detached", timeout=120_000)
    # The result is one click away, although the tab that asked for it is gone.
    tray.get_by_role("button", name=re.compile("Open|patient")).first.click()
    visitor.arrives("results")
    assert visitor.flagged() > 0


def test_cancelling_a_job_says_so_and_keeps_nothing(meet, visitor, server, large):
    start_slow_training(visitor, large, "hasty")
    stranger = meet()
    stranger.open("models")
    assert stranger.page.locator(TRAY).get_by_text("Training hasty").count() == 0
    visitor.page.locator('[class*="st-key-stop-"]').get_by_role("button").click()
    visitor.says("was cancelled; nothing was kept", seconds=30)
    assert "hasty" not in [card["name"] for card in server.space.models.models()]


def test_a_setting_typed_just_before_the_click_on_train_counts(visitor, server, pump_link):
    visitor.open("detect", data=pump_link["data"])
    visitor.page.get_by_label("Name of the model", exact=True).fill("typed")
    visitor.page.get_by_label("Number of trees", exact=True).fill("17")
    visitor.page.get_by_role("button", name="Train", exact=True).click()
    visitor.sees_results(seconds=60)
    assert server.space.models.card("typed")["hyperparameters"]["n_estimators"] == 17


def test_a_model_of_another_schema_says_what_is_missing_and_a_mapped_column_makes_it_judge(
    visitor, server, pump_link, tmp_path
):
    renamed = pumps(200).rename(columns={"flow": "Flow rate"})
    visitor.open("detect", data=brought(server.space, renamed, "renamed.csv", tmp_path).id)
    visitor.page.get_by_role("tab", name="Use a trained model").click()
    card = card_with(visitor, "pumps@1", "Map columns")
    visitor.sees("column 'flow' missing")
    card.get_by_role("button", name="Map columns").click()
    visitor.choose("'flow' (number) is read from", "Flow rate")
    visitor.click("Judge with these columns")
    visitor.sees_results(seconds=60)
    assert visitor.flagged() > 0
    visitor.open_expander("Notes on this result")
    visitor.sees("'flow' is read from 'Flow rate'")


def test_models_are_promoted_verified_and_deleted(visitor, server, tmp_path):
    data = brought(server.space, pumps(100), "shelf.csv", tmp_path)
    for trees in (5, 6):
        judged(server.space, data, "shelf", n_estimators=trees)
    visitor.open("models")
    card = card_with(visitor, "shelf · Isolation Forest", "Versions")
    card.get_by_text("Active is version 2").wait_for()
    card.get_by_role("button", name="Versions").click()
    visitor.page.locator('[class*="st-key-promote-shelf"]').get_by_role("button").click()
    card.get_by_text("Active is version 1").wait_for()
    visitor.settle()
    visitor.page.keyboard.press("Escape")
    visitor.click("Check every stored model for damage")
    visitor.says("Every stored model is sound")
    card.get_by_role("button", name="Versions").click()
    visitor.page.locator('[class*="st-key-delete-all-shelf"]').get_by_role("button").click()
    visitor.settle()
    visitor.sees_not("shelf · Isolation Forest")
    assert "shelf" not in [card["name"] for card in server.space.models.models()]
