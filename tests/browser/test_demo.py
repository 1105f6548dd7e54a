"""The way of a stakeholder: one click to an explained anomaly, a report to send, a link for a colleague."""


def test_a_story_ends_in_reasons_a_report_without_network_and_a_link(visitor, meet, browser, tmp_path):
    visitor.open()
    visitor.page.locator('[class*="st-key-story-fraud"]').get_by_role("button").click()
    visitor.arrives("inspect", seconds=60)
    visitor.sees("a stolen card")
    visitor.sees("flagged")
    row = visitor.page.get_by_role("heading", name="Row").first.inner_text()
    address = visitor.page.url

    visitor.click("All that is flagged, and a report to send")
    visitor.arrives("results")
    visitor.open_expander("A report to send")
    visitor.fill("Author", "Ada")
    file = visitor.download("Web page", tmp_path)
    assert file.suffix == ".html"
    reads_without_network(browser, file)

    colleague = meet()
    colleague.page.goto(address)
    colleague.settle()
    colleague.sees(row)
    colleague.sees("a stolen card")


def reads_without_network(browser, file):
    """Open a report as a file, offline: every picture is there, nobody is asked, nothing is refused."""
    context = browser.new_context(offline=True)
    try:
        page = context.new_page()
        asked, said = [], []
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: said.append(message.text))
        page.goto(file.as_uri())
        assert page.get_by_text("By Ada").is_visible()
        broken = "[...document.images].filter(image => !image.naturalWidth).length"
        assert (page.evaluate("document.images.length") > 5, page.evaluate(broken)) == (True, 0)
        assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
        assert said == []
    finally:
        context.close()
