"""Tokens from the command line."""

import json

import pytest

from engine.cli import main


@pytest.fixture(autouse=True)
def _own_workspace(tmp_path, monkeypatch):
    monkeypatch.setenv("LOUPE_WORKSPACE", str(tmp_path / "workspace"))
    monkeypatch.delenv("LOUPE_DATABASE", raising=False)


def listed(capsys):
    capsys.readouterr()
    assert main(["token", "list", "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_the_secret_is_printed_once_and_alone(capsys):
    assert main(["token", "create", "--name", "ann"]) == 0
    said = capsys.readouterr()
    secret = said.out.strip()
    assert secret.startswith("loupe_")
    assert len(secret) >= 49  # 256 bits
    assert "read, upload, analyze" in said.err
    assert secret not in said.err
    assert main(["token", "list"]) == 0
    assert secret not in capsys.readouterr().out


def test_scopes_and_an_expiry_are_kept(capsys):
    main(["token", "create", "--name", "ann", "--scope", "train,read", "--expires-days", "2"])
    (ann,) = listed(capsys)
    assert (ann["name"], ann["state"], ann["scopes"]) == ("ann", "in force", ["read", "train"])
    assert ann["expires"] > ann["created"]


def test_a_revoked_token_stays_in_the_list_and_frees_its_name(capsys):
    main(["token", "create", "--name", "ann"])
    assert main(["token", "create", "--name", "ann"]) == 2
    assert "there is a token 'ann' already" in capsys.readouterr().err
    assert main(["token", "revoke", "ann"]) == 0
    assert main(["token", "create", "--name", "ann"]) == 0
    assert [token["state"] for token in listed(capsys)] == ["revoked", "in force"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--name", ""], "a token's name must be"),
        (["--name", "a\nb"], "a token's name must be"),
        (["--name", "x" * 65], "a token's name must be"),
        (["--name", "a", "--scope", "read,root"], "'root' is not a scope"),
        (["--name", "a", "--scope", ","], "a token needs a scope"),
        (["--name", "a", "--expires-days", "0"], "a token lives more than 0"),
        (["--name", "a", "--expires-days", "nan"], "a token lives more than 0"),
    ],
)
def test_a_token_that_cannot_be_is_refused_in_words(capsys, options, words):
    assert main(["token", "create", *options]) == 2
    assert words in capsys.readouterr().err
    assert listed(capsys) == []


def test_revoking_what_is_not_there_says_so(capsys):
    assert main(["token", "revoke", "nobody"]) == 2
    assert "there is no token 'nobody' in force" in capsys.readouterr().err


def test_the_database_of_the_settings_is_used(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("LOUPE_DATABASE", f"sqlite:///{tmp_path / 'elsewhere.db'}")
    main(["token", "create", "--name", "ann"])
    assert (tmp_path / "elsewhere.db").exists()
    assert not (tmp_path / "workspace" / "loupe.db").exists()


def test_a_name_is_the_same_however_it_is_spaced(capsys):
    assert main(["token", "create", "--name", "ci  bot"]) == 0
    assert main(["token", "create", "--name", " ci bot"]) == 2
    (token,) = listed(capsys)
    assert token["name"] == "ci bot"
    assert main(["token", "revoke", "ci   bot"]) == 0
