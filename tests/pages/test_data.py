"""The first page: bring a file, see what reading made of it, say what its columns are."""

import pytest

from engine import SAMPLES, STORIES
from tests.pages.conftest import button, edit, metrics, sound, texts, titles
from tests.pages.prepared import brought, pumps

OFFICE = "Pump report\nwritten 02.04.2024\nnr;flow;heat\n" + "".join(
    f"{n};{n % 7},{n % 10};{n % 5},5\n" for n in range(60)
)


def test_a_newcomer_sees_what_this_is_the_uploader_and_the_samples(open_page):
    at = open_page()
    assert titles(at) == ["Find what does not belong", "See it at work", "Or open a sample"]
    assert len(at.file_uploader) == 1
    stories = [f"story-{story.key}" for story in STORIES]
    assert [found.key for found in at.button] == [*stories, *(f"sample-{sample.file}" for sample in SAMPLES)]


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.file)
def test_a_sample_opens_with_the_roles_it_was_made_for(open_page, space, sample):
    at = open_page()
    sound(at.button(key=f"sample-{sample.file}").click().run())
    assert titles(at)[0] == sample.file
    (data,) = space.datasets.all()
    assert list(data.roles.columns) == data.columns
    assert set(data.roles.features) == {name for name, role in sample.roles.items() if role == "feature"}


def test_an_office_file_is_read_and_what_was_noticed_is_said(open_page):
    at = open_page()
    sound(at.file_uploader[0].upload("pumps.csv", OFFICE.encode()).run())
    assert at.title[0].value == "pumps.csv"
    assert metrics(at)["Rows"] == "60"
    assert "Decimal comma" in texts(at)
    assert "rows 1 to 2 were left out" in texts(at)


def test_overruling_the_reading_reads_the_file_again(open_page, space):
    at = open_page()
    at.file_uploader[0].upload("pumps.csv", OFFICE.encode()).run()
    at.multiselect(key="read-text_columns").select("nr")
    sound(button(at, "Read again").click().run())
    before, after = sorted(space.datasets.all(), key=lambda data: data.created)
    assert (before.types["nr"], after.types["nr"]) == ("integer", "text")
    assert at.session_state["loupe"].dataset == after.id
    # The form of the new reading shows what is in force; taking it back finds the first reading again.
    assert at.multiselect(key="read-text_columns").value == ["nr"]
    at.multiselect(key="read-text_columns").unselect("nr")
    sound(button(at, "Read again").click().run())
    assert at.session_state["loupe"].dataset == before.id


def test_a_file_that_is_no_table_gives_one_sentence_and_the_page_lives_on(open_page):
    at = open_page()
    sound(at.file_uploader[0].upload("photo.csv", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20).run())
    (error,) = at.error
    assert "photo.csv" in error.value
    assert "Traceback" not in error.value
    sound(at.file_uploader[0].upload("pumps.csv", OFFICE.encode()).run())
    assert not at.error
    assert at.title[0].value == "pumps.csv"


def test_an_unknown_data_set_in_the_link_gives_a_sentence_and_the_way_on(open_page):
    at = open_page(data="0123456789abcdef")
    assert "no data set" in at.warning[0].value
    assert button(at, "Bring data")


def test_a_role_that_was_changed_is_remembered_after_a_reload(open_page, space, tmp_path):
    data = brought(space, pumps(), "pumps.csv", tmp_path)
    at = open_page(data=data.id)
    edit(at, data.columns.index("heat"), Role="ignore")
    assert space.datasets.get(data.id).roles.columns["heat"] == "ignore"
    edit(at, data.columns.index("site"), Role="label")  # there can be one label: the one before steps back
    given = space.datasets.get(data.id).roles
    assert (given.label, given.columns["faulty"], given.columns["heat"]) == ("site", "ignore", "ignore")

    again = open_page(data=data.id)
    assert again.data_editor[0].value.set_index("Column")["Role"]["heat"] == "ignore"
    sound(button(again, "Back to the suggested roles").click().run())
    assert space.datasets.get(data.id).roles == data.suggested_roles


def test_a_time_series_without_a_time_column_says_what_is_missing(open_page, space, tmp_path):
    data = brought(space, pumps(), "pumps.csv", tmp_path)
    at = open_page(data=data.id)
    kind = next(found for found in at.segmented_control if found.label == "The rows are")
    sound(kind.set_value("series").run())
    assert "needs a column with the role time" in at.error[0].value
    assert space.datasets.get(data.id).roles.kind == "table"


def test_data_brought_before_can_be_opened_again(open_page, space, tmp_path):
    data = brought(space, pumps(), "pumps.csv", tmp_path)
    at = open_page()
    sound(at.button(key=f"open-{data.id}").click().run())
    assert at.title[0].value == "pumps.csv"
    sound(button(at, "Bring another file").click().run())
    assert at.title[0].value == "Find what does not belong"
