"""A browser for the foreign clients: it opens the address of a sign-in and submits the form."""

from urllib.parse import urlsplit

import httpx

from tests.browsers import read_hidden_fields


def submit_sign_in_form(url: str, username: str) -> str:
    """Return the address that the browser is sent to after the sign-in."""
    parts = urlsplit(url)
    origin = f"{parts.scheme}://{parts.netloc}"
    with httpx.Client(trust_env=False, timeout=10) as browser:
        page = browser.get(url).raise_for_status()
        form = {**read_hidden_fields(page.text), "username": username}
        sent = browser.post(f"{origin}/login", data=form, headers={"Origin": origin})
    assert sent.status_code == 303, sent.text
    location: str = sent.headers["location"]
    return location
