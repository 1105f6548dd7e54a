"""Labels from the command line."""

import json

import pytest

from engine.cli import main
from tests.pages.prepared import pumps


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.setenv("LOUPE_WORKSPACE", str(tmp_path / "workspace"))
    path = tmp_path / "pumps.csv"
    pumps(60).to_csv(path, index=False)
    return path


def test_labels_are_imported_listed_and_exported(file, tmp_path, capsys):
    assert main(["labels", "list"]) == 0
    assert "nothing is labelled yet" in capsys.readouterr().out
    given = tmp_path / "given.csv"
    given.write_text("pump_no,label,note\n5003,theft,gone\n5004,0,\n9999,1,\n")
    for new in (2, 0):
        assert main(["labels", "import", str(file), str(given), "--who", "ada", "--json"]) == 0
        said = capsys.readouterr()
        assert json.loads(said.out) == {"labels": 2, "new": new}
        assert "1 of 3 lines are about no row" in said.err
    assert main(["labels", "list", str(file)]) == 0
    assert capsys.readouterr().out.splitlines() == ["row 4  anomaly  theft, gone, ada", "row 5  normal  ada"]
    assert main(["labels", "list"]) == 0
    assert "pumps.csv  1 anomalies, 1 normal, 0 not sure" in capsys.readouterr().out
    assert main(["labels", "export", str(file), "--output", str(tmp_path / "out.csv")]) == 0
    assert (tmp_path / "out.csv").read_text().count("\n") == 3


def test_what_cannot_be_done_is_said_in_a_sentence(file, tmp_path, capsys):
    assert main(["labels", "list", "nowhere.csv"]) == 2
    assert "there is no file 'nowhere.csv', and no data set with that id" in capsys.readouterr().err
    assert main(["labels", "export", str(file), "--output", str(tmp_path / "out.xlsx")]) == 2
    assert main(["labels", "import", str(file), str(tmp_path / "none.csv")]) == 2
    (tmp_path / "odd.csv").write_text("colour\nred\n")
    assert main(["labels", "import", str(file), str(tmp_path / "odd.csv")]) == 3
    assert "must have a column 'label'" in capsys.readouterr().err
