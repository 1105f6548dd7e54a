"""Somebody comes for the first time, with nothing but a sample or a file of their own."""

from io import BytesIO

import pytest
from openpyxl import Workbook

PREAMBLE = "Pump report\nwritten 02.04.2024\n"
OFFICE = (
    PREAMBLE
    + "pump_id;flow;heat\n"
    + "".join(f"{n};{50 + n % 7},{n % 10};{60 + n % 5},5\n" for n in range(60))
    + "60;95,0;12,5\n"
)


def workbook() -> bytes:
    """Two title rows, a column of numbers typed as text with a decimal comma, and a second sheet."""
    book, content = Workbook(), BytesIO()
    sheet = book.active
    sheet.title = "North"
    for row in (["Pump report"], ["all sites, 2024"], ["pump_id", "flow", "heat"]):
        sheet.append(row)
    for n in range(60):
        sheet.append([n, f"{50 + n % 7},{n % 10}", 60 + n % 5])
    south = book.create_sheet("South")
    south.append(["pump_id", "speed"])
    for n in range(25):
        south.append([n, 900 + n])
    book.save(content)
    return content.getvalue()


def upload(visitor, name, content):
    visitor.page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(
        {"name": name, "mimeType": "application/octet-stream", "buffer": content}
    )
    visitor.page.wait_for_timeout(500)
    visitor.settle()


def test_a_stranger_opens_the_card_payments_trains_and_sees_flagged_rows_with_reasons(visitor):
    visitor.open()
    visitor.page.locator('[class*="st-key-sample-card_transactions"]').get_by_role("button").click()
    visitor.sees("What are the columns?")
    visitor.click("Choose a detector")
    visitor.click("Train")
    visitor.sees_results(seconds=90)
    assert visitor.flagged() > 100
    first = visitor.cells()[0]
    assert float(first[1]) > 99
    assert "usually" in first[2]


def test_a_file_from_an_office_shows_what_was_found_and_overruling_reads_it_again(visitor):
    visitor.open()
    upload(visitor, "office.csv", OFFICE.encode("cp1252"))
    visitor.sees("What are the columns?", seconds=60)
    visitor.open_expander("What reading the file found (3)")
    visitor.sees("Decimal comma")
    visitor.sees("rows 1 to 2 were left out")
    assert (visitor.metric("Rows"), visitor.metric("Columns")) == ("61", "3")
    before = visitor.address()["data"]
    visitor.fill("Row with the column names", 4)
    visitor.click("Read again")
    visitor.page.wait_for_function(f"!location.search.includes('{before}')")
    visitor.settle()
    assert visitor.metric("Rows") == "60"


def test_an_excel_file_with_title_rows_and_several_sheets_is_read(visitor):
    visitor.open()
    upload(visitor, "pumps.xlsx", workbook())
    visitor.sees("What are the columns?", seconds=60)
    assert (visitor.metric("Rows"), visitor.metric("Columns")) == ("60", "3")
    columns = {row[0]: row for row in visitor.cells()}
    assert "number" in columns["flow"]
    visitor.open_expander("What reading the file found")
    visitor.choose("Sheet", "South")
    visitor.click("Read again")
    visitor.sees("25 rows × 2 columns", seconds=60)
    assert [row[0] for row in visitor.cells()] == ["pump_id", "speed"]


@pytest.mark.parametrize(
    ("name", "content"),
    [("photo.csv", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20), ("cut.xlsx", workbook()[:2000])],
    ids=["a picture named .csv", "half a workbook"],
)
def test_a_wrong_file_gives_one_plain_sentence_and_the_app_lives_on(visitor, name, content):
    visitor.open()
    upload(visitor, name, content)
    said = visitor.says(name, seconds=60).inner_text()
    assert "Traceback" not in said
    assert "Error" not in said
    upload(visitor, "office.csv", OFFICE.encode())
    visitor.sees("What are the columns?", seconds=60)


def test_a_role_changed_in_the_table_is_remembered_after_a_reload(visitor):
    visitor.open()
    upload(visitor, "roles.csv", OFFICE.encode())
    visitor.sees("What are the columns?", seconds=60)
    assert [row[1] for row in visitor.cells()] == ["id", "feature", "feature"]
    changed = visitor.page.get_by_text("Back to the suggested roles")
    keyboard = visitor.page.keyboard
    for _ in range(3):  # keys pressed before the list of roles has opened are lost, and pressed again
        visitor.point(row=2, x=40)  # the name of the second column: flow
        keyboard.press("ArrowRight")
        keyboard.press("Enter")
        visitor.page.wait_for_timeout(500)
        for key in (*"ignore", "Enter"):
            keyboard.press(key)
        visitor.settle()
        if changed.count():
            break
    visitor.sees("Back to the suggested roles")
    visitor.reload()
    assert [row[1] for row in visitor.cells()] == ["id", "ignore", "feature"]
