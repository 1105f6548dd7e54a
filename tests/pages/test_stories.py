"""The first page tells stories, and an address that names data and model shows a colleague the same."""

from engine import STORIES
from tests.pages.conftest import button, sound, texts, wait_for
from tests.pages.prepared import sample, scored


def test_first_page_offers_four_stories_each_with_a_model_that_is_there(open_page, space):
    at = open_page()
    assert [found.label for found in at.button].count("Show me") == len(STORIES) == 4
    stored = {values["name"] for values in space.models.models()}
    assert all(story.models[-1] in stored for story in STORIES)


def test_a_story_ends_on_an_anomaly_with_its_reasons(open_page, space):
    story = next(story for story in STORIES if story.key == "events")
    scored(space, sample(space, story.file), story.models[0])  # as somebody before has had it told
    at = open_page()
    at.button(key="story-events").click().run()
    wait_for(at, lambda page: page.title and page.title[0].value.startswith("Row"))
    sound(at)
    assert story.ending in texts(at)
    assert "flagged" in texts(at)
    assert at.query_params["model"] in ("doors-and-servers@1", ["doors-and-servers@1"])


def test_an_address_with_data_and_model_alone_opens_their_result(open_page, addresses):
    at = open_page("results", data=addresses["pumps"]["data"], model="pumps")
    assert at.title[0].value == "Results"
    assert at.query_params["result"] in (addresses["pumps"]["result"], [addresses["pumps"]["result"]])


def test_a_model_that_has_not_judged_the_data_leads_to_the_detectors(open_page, addresses):
    at = open_page("results", data=addresses["pumps"]["data"], model="nobody")
    assert button(at, "Detect")
