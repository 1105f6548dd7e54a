"""Names that every file system takes, and that cannot be mistaken for one another."""

import random
import sys
import unicodedata

import pytest

from engine.errors import UsageError
from engine.store import suggested_name, validated_name


@pytest.mark.parametrize(
    "name",
    [
        "pump",
        "Pump 3",
        "v1.2_final-b",
        "größer",
        "насос",
        "水泵 7",
        "m" * 80,
        "a",
        "ポンプ",
        "कंप्यूटर",
        "console",
    ],
)
def test_names_of_any_script(name):
    assert validated_name(name) == unicodedata.normalize("NFC", name)


def test_a_name_has_one_spelling():
    assert validated_name("Su\u0308d") == "Süd"


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        ".",
        "..",
        "-",
        "../../x",
        "..\\x",
        "/etc/passwd",
        "C:\\x",
        "a\0b",
        "a\nb",
        "a\tb",
        "a@2",
        "a:b",
        "a*b",
        "file#../../etc",
        "%2e%2e%2f",
        "CON",
        "con.csv",
        "nul",
        "COM1",
        "lpt9.tar.gz",
        ".hidden",
        "dot.",
        " a",
        "a ",
        "a..b",
        "m" * 81,
        "ﷺ" * 40,  # one letter that is eighteen in the folder's name
        "\u202evsc.exe",
        "a\u2066b",
        "a\u200bb",
        "a\u00adb",
        "a\ud800b",
        "\u0301\u0302",
        "💥",
        "½",
        "℀",
        "a\u00a0b",
        "𝐂𝐎𝐍",
    ],
)
def test_other_names_are_refused_and_a_better_one_is_offered(name):
    with pytest.raises(UsageError, match=r"^a model's name must .*, got .*; '.+' would do$") as refusal:
        validated_name(name)

    text = str(refusal.value)
    assert text.isprintable()
    assert len(text) < 400


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("pumps 2024.csv", "pumps 2024.csv"),
        ("../../x", "x"),
        ("a/b\\c", "a-b-c"),
        ("CON", "model CON"),
        ("", "model"),
        ("💥", "model"),
        ("Q1 (final).xlsx", "Q1 final-xlsx"),
        ("m" * 200, "m" * 80),
    ],
)
def test_a_suggestion_looks_like_the_text(text, name):
    assert suggested_name(text) == name


def test_every_suggestion_is_a_name():
    rng = random.Random(1)
    for _ in range(2000):
        text = "".join(chr(rng.randrange(sys.maxunicode + 1)) for _ in range(rng.randrange(12)))
        suggestion = suggested_name(text)
        assert validated_name(suggestion) == suggestion
