"""A bundle carries a model bit for bit; whatever else comes in its clothes is refused in words and not kept."""

import json
import pickle
import stat
import struct
import zipfile

import numpy as np
import pytest

from engine import bundle
from engine.arrays import pack, unpack
from engine.bundle import export_bundle, import_bundle, read_bundle
from engine.cli import main
from engine.detectors import CATALOGUE
from engine.errors import StoreError, UsageError
from engine.manifest import described, manifest_bytes
from engine.model import Model
from engine.store import ModelStore
from engine.trial import PROBE, try_model
from tests.engine.checks import SEQUENTIAL


@pytest.fixture(scope="module")
def home(tmp_path_factory, table, series, model_of):
    """A store with a model of each detector, and one of a series."""
    store = ModelStore(tmp_path_factory.mktemp("home"))
    for detector in CATALOGUE:
        model_of(detector, series if detector in SEQUENTIAL else table).save(store)
    model_of("isolation_forest", series).save(store)
    return store


NETWORKS = ("masked_table", "masked_series", "consensus")  # and what holds other detectors


@pytest.fixture(scope="module")
def sound(home):
    """The bytes of a sound bundle, of the fastest detector to try."""
    return export_bundle(home, "model@2")


@pytest.fixture
def abroad(tmp_path):
    return ModelStore(tmp_path / "abroad")


@pytest.fixture
def file(tmp_path):
    """Write a bundle, by default a zip of these parts."""

    def file(content, name="model.zip"):
        path = tmp_path / name
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            with zipfile.ZipFile(path, "w") as archive:
                for part, data in content:
                    archive.writestr(part, data)
        return path

    return file


def contents(data, tmp_path):
    """Manifest and parts of a bundle's bytes."""
    path = tmp_path / "contents.zip"
    path.write_bytes(data)
    return read_bundle(path)


def forged(manifest, parts):
    """The parts of a bundle under a manifest sealed as if it had always been so."""
    own = {"parts": {n: described(p) for n, p in parts.items()}, "created": manifest["created"]}
    sealed = manifest_bytes(manifest, name=manifest["name"], version=manifest["version"], **own)
    return [("manifest.json", sealed), *parts.items()]


def refusal(store, path, **more):
    with pytest.raises(StoreError) as caught:
        import_bundle(store, path, **more)
    assert store.models() == []
    return str(caught.value)


# ---- there and back


@pytest.mark.slow
@pytest.mark.parametrize(
    "version", [1, *(list(CATALOGUE).index(name) + 1 for name in NETWORKS), len(CATALOGUE) + 1]
)
def test_an_imported_model_gives_the_same_scores_bit_for_bit(version, home, abroad, file, table, series):
    card = import_bundle(abroad, file(export_bundle(home, f"model@{version}")), name="guest")
    before, after = Model.load(home, f"model@{version}"), Model.load(abroad, "guest")
    frame = series.frame if before.recipe.ordered else table.frame
    assert after.score(frame).values.tobytes() == before.score(frame).values.tobytes()
    assert after.fingerprint.as_dict() == before.fingerprint.as_dict()
    assert (card.id, card.threshold, card.reference) == (
        "guest@1",
        before.card.threshold,
        before.card.reference,
    )
    assert card.origin.startswith(f"model.zip, there model@{version} of 20")
    assert PROBE not in card.parts


def test_the_same_model_always_makes_the_same_bytes(home, sound):
    assert export_bundle(home, "model@2") == sound


def test_an_import_is_the_next_version_of_its_name(sound, abroad, file, monkeypatch):
    monkeypatch.setattr(bundle, "_try_in_child", lambda _: None)  # it passes; others here see to it
    path = file(sound)
    assert [import_bundle(abroad, path).id for _ in range(2)] == ["model@1", "model@2"]
    assert abroad.active("model") == 2


def test_a_name_that_cannot_be_is_refused_before_anything_is_read(abroad, tmp_path):
    with pytest.raises(UsageError, match="a model's name must"):
        import_bundle(abroad, tmp_path / "nowhere.zip", name="a/b")


@pytest.mark.slow
def test_the_command_line_sends_and_receives(home, sound, tmp_path, capsys):
    path = tmp_path / "sent.zip"
    assert main(["models", "export", "model@2", "--output", str(path), "--models", str(home._root)]) == 0
    assert path.read_bytes() == sound
    models = ["--models", str(tmp_path / "received")]
    assert main(["models", "import", str(path), "--name", "guest", *models, "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == {"model": "guest@1"}
    assert main(["models", "export", "guest", "--output", str(tmp_path / "a.tar"), *models]) == 2
    assert main(["models", "import", str(tmp_path / "none.zip"), *models]) == 2
    path.write_bytes(pickle.dumps([1]))
    assert main(["models", "import", str(path), *models]) == 3
    assert "can run code when opened" in capsys.readouterr().err


def test_a_bundle_that_cannot_be_written_is_said_in_a_sentence(home, tmp_path, capsys, monkeypatch):
    def full(path, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("engine.report.write_atomically", full)
    monkeypatch.setattr("engine.bundle.export_bundle", lambda store, ref: b"bundle")
    path = tmp_path / "sent.zip"
    assert main(["models", "export", "model@2", "--output", str(path), "--models", str(home._root)]) != 0
    assert "sent.zip' was not written: it needs 6 bytes" in capsys.readouterr().err


# ---- files that are no bundle


@pytest.mark.parametrize("suffix", [".pkl", ".joblib", ".pt", ".pt2", ".onnx", ".h5", ".skops", ".PKL"])
def test_a_file_that_could_run_code_is_refused_by_its_name_alone_or_inside(
    suffix, abroad, file, sound, tmp_path
):
    said = "this file can run code when opened; export the model as a Loupe bundle"
    assert said in refusal(abroad, file(sound, f"model{suffix}"))
    assert said in refusal(abroad, file(sound), label=f"model{suffix}")
    manifest, parts = contents(sound, tmp_path)
    assert said in refusal(abroad, file([*forged(manifest, parts), (f"model{suffix}", b"x")]))
    assert said in refusal(abroad, file([(f"archive/data{suffix}", b"x")]))


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_a_pickle_under_another_name_is_known_by_its_first_bytes(protocol, abroad, file):
    assert "can run code" in refusal(abroad, file(pickle.dumps({"a": 1}, protocol), "model.zip"))


@pytest.mark.parametrize("content", [b"", b"PK", b"hello", b"\x89PNG\r\n\x1a\n", b"7z\xbc\xaf\x27\x1c"])
def test_what_is_no_zip_is_no_bundle(content, abroad, file):
    assert "this is not a bundle" in refusal(abroad, file(content))


@pytest.mark.parametrize("kept", [0.3, 0.7, 0.999])
def test_a_bundle_cut_short_is_damaged(kept, abroad, file, sound):
    assert "damaged" in refusal(abroad, file(sound[: int(kept * len(sound))]))


def test_a_file_too_large_is_refused_before_it_is_opened(abroad, file, sound, monkeypatch):
    monkeypatch.setattr(bundle, "MAX_BUNDLE_BYTES", 1000)
    assert "a bundle may have 0 MB" in refusal(abroad, file(sound))


# ---- evil zips


def entry(name, *, mode=0o100644, method=zipfile.ZIP_STORED):
    info = zipfile.ZipInfo(name)
    info.external_attr, info.compress_type = mode << 16, method
    return info


EVIL = {
    "a parent folder": ("../evil.json", "without folders"),
    "an absolute path": ("/etc/evil.json", "without folders"),
    "a folder": ("parts/evil.json", "without folders"),
    "a folder's own entry": ("parts/", "without folders"),
    "a drive": ("C:evil.json", "without folders"),
    "a hidden file": (".evil.json", "without folders"),
    "a link": (entry("evil.json", mode=stat.S_IFLNK | 0o777), "is a link or a folder"),
    "a device": (entry("evil.json", mode=stat.S_IFCHR | 0o666), "is a link or a folder"),
    "a program": ("evil.sh", "must end in .json or .safetensors"),
    "bzip2": (entry("evil.json", method=zipfile.ZIP_BZIP2), "packed in a way that is not read"),
    "lzma": (entry("evil.json", method=zipfile.ZIP_LZMA), "packed in a way that is not read"),
    "capitals": ("RECIPE.json", "the same part twice"),
    "a letter that looks like another": ("recіpe.json", "without folders"),
    "a part nobody listed": ("more.json", "its manifest.json and its parts differ: 'more.json'"),
}


@pytest.mark.parametrize(("part", "words"), EVIL.values(), ids=EVIL)
def test_a_part_that_does_not_belong_is_refused(part, words, abroad, file, sound, tmp_path):
    manifest, parts = contents(sound, tmp_path)
    assert words in refusal(abroad, file([*forged(manifest, parts), (part, b"[]")]))


def test_a_backslash_is_refused(abroad, file, sound, tmp_path):
    manifest, parts = contents(sound, tmp_path)
    info = zipfile.ZipInfo("x")
    info.filename = "..\\evil.json"
    assert "without folders" in refusal(abroad, file([*forged(manifest, parts), (info, b"[]")]))


def test_the_same_part_twice_is_refused(abroad, file, sound, tmp_path):
    manifest, parts = contents(sound, tmp_path)
    with pytest.warns(UserWarning, match="Duplicate name"):
        path = file([*forged(manifest, parts), ("recipe.json", b"{}")])
    assert "the same part twice" in refusal(abroad, path)


def test_an_encrypted_part_is_refused(abroad, file, sound):
    data = bytearray(sound)
    place = data.rindex(b"PK\x01\x02")  # the last entry of the central directory; its flags stand at byte 8
    data[place + 8] |= 1
    assert "is encrypted" in refusal(abroad, file(bytes(data)))


def test_too_many_parts_are_refused(abroad, file):
    assert "at most 64 parts, this one has 65" in refusal(
        abroad, file([(f"{n}.json", b"") for n in range(65)])
    )


def test_a_bomb_is_refused_before_it_is_unpacked(abroad, tmp_path):
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.json", bytes(20_000_000))
    assert "unpacks to more than 100 times its size" in refusal(abroad, path)


def test_a_bundle_that_unpacks_to_too_much_is_refused(abroad, file, sound, monkeypatch):
    monkeypatch.setattr(bundle, "MAX_INFLATED", 10_000)
    assert "it unpacks to 0 MB, and at most 0" in refusal(abroad, file(sound))


def test_a_part_that_lies_about_its_size_is_refused(abroad, file, sound, tmp_path):
    data = bytearray(sound)
    start = data.index(b"recipe.json", data.index(b"PK\x01\x02")) - 46  # its entry in the central directory
    data[start + 20 : start + 28] = struct.pack("<II", 10, 10)
    assert "damaged" in refusal(abroad, file(bytes(data)))


# ---- evil models


def test_a_manifest_that_was_changed_is_refused(abroad, file, sound, tmp_path):
    manifest, parts = contents(sound, tmp_path)
    (_, sealed), *rest = forged(manifest, parts)
    assert "was changed after it was saved" in refusal(
        abroad, file([("manifest.json", sealed.replace(b'"rows": 300', b'"rows": 301')), *rest])
    )
    assert "not readable JSON" in refusal(abroad, file([("manifest.json", b"{"), *rest]))
    assert "holds no manifest.json" in refusal(abroad, file(rest))


@pytest.mark.parametrize("part", ["recipe.json", "detector.safetensors", PROBE])
def test_a_part_that_was_changed_is_refused(part, abroad, file, sound, tmp_path):
    manifest, parts = contents(sound, tmp_path)
    sealed = forged(manifest, parts)[0]
    changed = parts[part][:-1] + bytes([parts[part][-1] ^ 1])
    path = file([sealed, *(parts | {part: changed}).items()])
    assert f"its part '{part}' was changed after it was exported" in refusal(abroad, path)


@pytest.mark.slow
def test_a_model_that_scores_its_probe_otherwise_is_refused_with_its_versions(abroad, file, sound, tmp_path):
    manifest, parts = contents(sound, tmp_path)
    probe = unpack(parts[PROBE])
    parts[PROBE] = pack(probe | {"scores": probe["scores"] * (1 + 1e-7)})
    said = refusal(abroad, file(forged(manifest, parts)))
    assert "scores the rows of its own probe differently here, by 1e-07 where 1e-09 is allowed" in said
    assert "scikit-learn" in said


@pytest.mark.slow
def test_trees_that_lead_nowhere_are_refused_by_the_child_and_crash_nobody(home, abroad, file, tmp_path):
    manifest, parts = contents(export_bundle(home, "model@1"), tmp_path)
    arrays = {name: array.copy() for name, array in unpack(parts["detector.safetensors"]).items()}
    arrays["left_child"][0] = 10**9
    parts["detector.safetensors"] = pack(arrays)
    assert "a tree does not hold together" in refusal(abroad, file(forged(manifest, parts)))


def edited(change):
    """A change of the recipe, as JSON."""

    def edit(manifest, parts):
        recipe = json.loads(parts["recipe.json"])
        change(recipe)
        parts["recipe.json"] = json.dumps(recipe).encode()

    return edit


MODELS = {
    "no such detector": lambda m, p: m.update(detector="os.system"),
    "an unknown hyperparameter": lambda m, p: m["hyperparameters"].update(trees=3),
    "a hyperparameter out of range": lambda m, p: m["hyperparameters"].update(contamination=7),
    "a card without a threshold": lambda m, p: m.pop("threshold"),
    "a threshold that is text": lambda m, p: m.update(threshold="high"),
    "rows that are text": lambda m, p: m.update(rows="<b>many</b>"),
    "roles that are none": lambda m, p: m.update(roles=[]),
    "a role that does not exist": lambda m, p: m["roles"]["columns"].update(pressure="king"),
    "a rule that does not exist": lambda m, p: m.update(rule={"kind": "magic", "value": 1}),
    "a column of a strange type": lambda m, p: m["columns"].update(pressure="blob"),
    "a column too few": lambda m, p: m["columns"].pop("pressure"),
    "other features": lambda m, p: m.update(features=["a"]),
    "notes that are no text": lambda m, p: m.update(notes=[{"a": 1}]),
    "a recipe that is none": lambda m, p: p.update({"recipe.json": b"[]"}),
    "a recipe nested too deep": lambda m, p: p.update({"recipe.json": b"[" * 100_000}),
    "a centre that is text": edited(lambda r: r["encoder"]["codes"][0].update(center="x")),
    "a scale of nothing": edited(lambda r: r["encoder"]["codes"][0].update(scale=0)),
    "no quantiles": edited(lambda r: r["encoder"]["codes"][0].update(typical=[])),
    "an unknown kind of code": edited(lambda r: r["encoder"]["codes"][0].update(kind="spell")),
    "a window that is none": edited(lambda r: r.update(windows={"length": -3, "step_seconds": 1})),
    "a fingerprint that is none": lambda m, p: p.update({"fingerprint.json": b"{}"}),
    "a fingerprint of other columns": lambda m, p: p.update(
        {"fingerprint.json": b'{"rows": 1, "columns": {}}'}
    ),
    "no detector": lambda m, p: p.pop("detector.safetensors"),
    "no recipe": lambda m, p: p.pop("recipe.json"),
    "no probe": lambda m, p: p.pop(PROBE),
    "a probe of another width": lambda m, p: p.update(
        {PROBE: pack({"rows": np.zeros((16, 2)), "scores": np.zeros(16)})}
    ),
    "a probe of nothing": lambda m, p: p.update({PROBE: pack({"rows": np.full((16, 8), np.nan)})}),
}


@pytest.mark.parametrize("change", MODELS.values(), ids=MODELS)
def test_a_model_whose_parts_do_not_hold_together_never_passes_the_trial(change, sound, tmp_path):
    manifest, parts = contents(sound, tmp_path)
    try_model(manifest, parts)
    change(manifest, parts)
    with pytest.raises(Exception) as caught:  # noqa: PT011  the child turns whatever it is into a sentence
        try_model(manifest, parts)
    assert not isinstance(caught.value, AssertionError)


@pytest.mark.slow
def test_a_crash_of_the_trial_is_a_sentence(abroad, file, sound, tmp_path):
    manifest, parts = contents(sound, tmp_path)
    manifest["roles"] = {"columns": 3}
    assert "do not hold together" in refusal(abroad, file(forged(manifest, parts)))


def test_a_trial_that_takes_too_long_is_ended(abroad, file, sound, monkeypatch):
    monkeypatch.setattr(bundle, "TRIAL_SECONDS", 0.01)
    assert "trying it took more than 0 seconds" in refusal(abroad, file(sound))
