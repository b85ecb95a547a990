"""Canonical base64url (RFC 4648 section 5): each value has one spelling."""

from binascii import a2b_base64

from fastapi_cognito_guard.errors import TokenMalformed

_PADDING = ("", "===", "==", "=")
# By length modulo 4: the last letters whose unused bits are all zero. Strict mode does not check them.
_LAST = (frozenset[str](), frozenset[str](), frozenset("AQgw"), frozenset("AEIMQUYcgkosw048"))


def decode(text: str) -> bytes:
    """Return the decoded bytes, at least one.

    Raises `TokenMalformed` for an empty text, padding, white space or trailing bits.
    """
    over = len(text) % 4
    if not text or (over and text[-1] not in _LAST[over]) or "+" in text or "/" in text or "=" in text:
        raise TokenMalformed("a part of the token is not base64url.")
    try:
        return a2b_base64(text.replace("-", "+").replace("_", "/") + _PADDING[over], strict_mode=True)
    except ValueError:
        raise TokenMalformed("a part of the token is not base64url.") from None
