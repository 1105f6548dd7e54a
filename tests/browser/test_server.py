"""What the server says around the pages."""

import json
import urllib.error
import urllib.request

import pytest


def test_the_page_comes_with_safe_headers_and_a_cookie_no_script_can_read(server):
    with urllib.request.urlopen(server.url, timeout=10) as answer:
        headers = answer.headers
    assert "script-src 'self'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    (cookie,) = [value for value in headers.get_all("set-cookie") if value.startswith("loupe_owner=")]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_a_known_browser_keeps_its_cookie_and_files_set_none(server):
    known = urllib.request.Request(server.url, headers={"Cookie": "loupe_owner=someone"})
    for request in (known, f"{server.url}/_stcore/health"):
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert "loupe_owner" not in str(answer.headers.get_all("set-cookie") or "")


def test_nobody_can_drive_the_app_from_outside(server):
    order = urllib.request.Request(
        f"{server.url}/_stcore/agent/interact", json.dumps({}).encode(), {"Content-Type": "application/json"}
    )
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(order, timeout=10)
    assert refused.value.code in (403, 404, 405)
    refused.value.close()


def test_the_api_answers_beside_the_screen_without_a_cookie_and_with_its_own_policy(server):
    with urllib.request.urlopen(f"{server.url}/api/health", timeout=20) as answer:
        headers = answer.headers
        assert json.load(answer) == {"status": "ok"}
    assert headers["set-cookie"] is None
    (policy,) = headers.get_all("content-security-policy")
    assert "default-src 'none'" in policy


def test_the_api_wants_a_token_whatever_cookie_comes_along(server):
    known = urllib.request.Request(f"{server.url}/api/models", headers={"Cookie": "loupe_owner=someone"})
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(known, timeout=20)
    assert refused.value.code == 401
    refused.value.close()
