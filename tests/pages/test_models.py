"""The library of trained models."""

import pytest

from engine.bundle import export_bundle
from tests.pages.conftest import button, charts, sound, texts, titles
from tests.pages.prepared import brought, judged, pumps, rhythm


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


def test_rolling_back_makes_the_version_active_that_was_before(open_page, addresses, space):
    judged(space, space.datasets.get(addresses["pumps"]["data"]), "pumps", n_estimators=5)
    at = open_page("models")
    assert at.button(key="roll-back-pumps").label == "Roll back to version 1"
    sound(at.button(key="roll-back-pumps").click().run())
    assert space.models.active("pumps") == 1
    assert at.button(key="roll-back-pumps").label == "Roll back to version 2"


def test_two_models_are_compared_and_what_differs_is_marked(open_page, addresses, space):
    judged(space, space.datasets.get(addresses["pumps"]["data"]), "pumps", n_estimators=5)
    at = open_page("models")
    assert (at.selectbox(key="compare-one").value, at.selectbox(key="compare-other").value) == (
        "pumps@2",
        "pumps@1",
    )
    found = next(table.value for table in at.table if "pumps@1" in table.value)
    assert found.loc["Hyperparameter n_estimators"].tolist() == ["5", "30", ":orange-badge[differs]"]
    assert found.loc["Columns", ""] == ""
    sound(at.toggle(key="compare-only").set_value(True).run())
    found = next(table.value for table in at.table if "pumps@1" in table.value)
    assert "Columns" not in found.index
    assert "Hyperparameter n_estimators" in found.index


def test_a_card_leads_to_the_data_it_learned_from(open_page, addresses):
    at = open_page("models")
    sound(at.button(key="data-of-pumps@1").click().run())
    assert titles(at)[0] == "pumps.csv"


def test_a_model_is_exported_and_imported_as_the_next_version(open_page, addresses, space):
    at = open_page("models")
    assert any("export-pumps@1" in found.proto.id for found in at.get("download_button"))
    content = export_bundle(space.models, "pumps")
    sound(at.file_uploader(key="bundle-0").upload("pumps-1.zip", content, "application/zip").run())
    assert "pumps@2 is imported and is now the active version of pumps." in texts(at)
    assert space.models.active("pumps") == 2
    assert space.models.card("pumps@2")["origin"].startswith("pumps-1.zip, there pumps@1 of 20")
    assert "pumps-1.zip" in str([table.value for table in at.table])


def test_an_import_under_another_name_leaves_the_others_alone(open_page, addresses, space):
    at = open_page("models")
    content = export_bundle(space.models, "pumps")
    at.text_input(key="bundle-name").set_value("guest")
    sound(at.file_uploader(key="bundle-0").upload("pumps-1.zip", content, "application/zip").run())
    assert [card["version"] for card in space.models.versions("guest")] == [1]
    assert space.models.active("pumps") == 1


@pytest.mark.parametrize("name", ["model.pkl", "model.joblib", "model.pt", "model.h5"])
def test_a_file_that_could_run_code_is_refused_on_the_page(name, open_page, addresses, space):
    at = open_page("models")
    sound(at.file_uploader(key="bundle-0").upload(name, b"\x80\x04.", "application/zip").run())
    assert "this file can run code when opened" in at.error[0].value
    assert at.file_uploader(key="bundle-1").value is None


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


def test_a_model_of_a_series_stands_beside_plain_baselines(open_page, space, tmp_path):
    data = brought(space, rhythm(), "rhythm.csv", tmp_path)
    judged(space, data, "rhythm", detector="nearest_windows")
    at = open_page("models")
    assert "On injected anomalies, beside plain baselines" in texts(at)
    found = next(table.value for table in at.table if "VUS-PR" in table.value)
    assert set(found.index) == {"Nearest Windows", "Window energy", "Distance from the median"}
    assert "disturbed on purpose" in texts(at)


def test_a_model_of_a_table_and_one_stored_before_show_no_baselines(open_page, space, tmp_path):
    judged(space, brought(space, pumps(), "pumps.csv", tmp_path), "pumps", n_estimators=5)
    shown = texts(open_page("models"))  # of the models that come with Loupe only one is of readings in order
    assert shown.count("beside plain baselines") == 1
