"""The first page tells stories, and an address that names data and model shows a colleague the same."""

from engine import STORIES
from tests.pages.conftest import button, metrics, sound
from tests.pages.prepared import FAULTY, brought, pumps


def test_first_page_offers_four_stories_each_with_a_model_that_is_there(open_page, space):
    at = open_page()
    assert [found.label for found in at.button].count("Show me") == len(STORIES) == 4
    stored = {values["name"] for values in space.models.models()}
    assert all(story.models[-1] in stored for story in STORIES)


def test_an_address_with_data_and_model_alone_opens_their_result(open_page, addresses):
    at = open_page("results", data=addresses["pumps"]["data"], model="pumps")
    assert at.title[0].value == "Results"
    assert at.query_params["result"] in (addresses["pumps"]["result"], [addresses["pumps"]["result"]])


def test_a_model_that_has_not_judged_the_data_leads_to_the_detectors(open_page, addresses):
    at = open_page("results", data=addresses["pumps"]["data"], model="nobody")
    assert button(at, "Detect")


def test_one_click_leads_from_data_of_ones_own_to_flagged_rows(open_page, space, tmp_path):
    at = open_page(data=brought(space, pumps(), "pumps.csv", tmp_path).id)
    at.button(key="straight").click().run(timeout=90)
    sound(at)
    assert at.title[0].value == "Results"
    assert int(metrics(at)["Flagged"]) >= FAULTY
