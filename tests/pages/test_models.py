"""The library of trained models."""

from tests.pages.conftest import button, charts, sound, texts, titles
from tests.pages.prepared import brought, judged, pumps


def test_without_models_the_page_leads_to_the_detectors(open_page):
    at = open_page("models")
    assert titles(at)[0] == "Models"
    if not at.expander:  # models that come with Loupe are always there
        assert button(at, "Detect")


def test_every_model_shows_its_card(open_page, addresses):
    at = open_page("models")
    assert "**pumps**" in texts(at)
    assert "learned from 400 rows of pumps.csv" in texts(at)
    assert any("Isolation Forest" in str(table.value) for table in at.table)
    assert any("runs/pumps@1 in the workspace" in str(table.value) for table in at.table)


def test_the_card_of_a_model_that_learned_in_epochs_shows_its_losses(open_page, space, tmp_path):
    data = brought(space, pumps(), "pumps.csv", tmp_path, faulty="label")
    judged(space, data, "pumps", n_estimators=5)
    before = charts(open_page("models"))
    judged(space, data, "pumps", detector="autoencoder", epochs=3)
    at = open_page("models")
    assert charts(at) == before + 1
    assert len(space.models.card("pumps")["history"]) == 3


def test_versions_can_be_made_active_and_deleted(open_page, addresses, space):
    judged(space, space.datasets.get(addresses["pumps"]["data"]), "pumps", n_estimators=5)
    at = open_page("models")
    assert "Active is version 2" in texts(at)
    sound(at.button(key="promote-pumps@1").click().run())
    assert space.models.active("pumps") == 1
    assert "Active is version 1" in texts(at)
    sound(at.button(key="delete-pumps@1").click().run())
    assert [card["version"] for card in space.models.versions("pumps")] == [2]
    sound(at.button(key="delete-all-pumps").click().run())
    assert "**pumps**" not in texts(at)


def test_a_sound_shelf_is_found_sound(open_page, addresses):
    at = open_page("models")
    sound(button(at, "Check every stored model for damage").click().run())
    assert "sound" in at.success[0].value


def test_a_damaged_model_is_named_and_can_be_deleted(open_page, addresses, space):
    for part in (space.models_root / "pumps").rglob("*.npz"):
        part.write_bytes(b"rubbish")
    for part in (space.models_root / "pumps").rglob("*.safetensors"):
        part.write_bytes(b"rubbish")
    at = open_page("models")
    sound(button(at, "Check every stored model for damage").click().run())
    assert any("pumps" in error.value for error in at.error)


def test_deleting_the_model_of_the_open_result_leaves_every_page_whole(open_page, addresses, space):
    space.models.delete("pumps")
    at = open_page("results", **addresses["pumps"])
    assert at.warning or at.metric
