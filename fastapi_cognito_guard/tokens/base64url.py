"""RFC 4648 section 5, canonical: one text for one value."""

from binascii import Error as Base64Error
from binascii import a2b_base64

from fastapi_cognito_guard.errors import TokenMalformed

# What is not of the alphabet becomes something that base64 refuses, padding included.
_FROM_URL = bytes.maketrans(b"-_+/=", b"+/***")
_PADDING = (b"", b"===", b"==", b"=")
# By length modulo 4: the last letters whose unused bits are all zero. Strict mode does not look at them.
_LAST: tuple[frozenset[int], ...] = (
    frozenset(),
    frozenset(),
    frozenset(b"AQgw"),
    frozenset(b"AEIMQUYcgkosw048"),
)


def decode(text: bytes) -> bytes:
    """The bytes, at least one. Raises `TokenMalformed` for padding, white space, or trailing bits."""
    over = len(text) % 4
    try:
        if not text or (over and text[-1] not in _LAST[over]):
            raise Base64Error
        return a2b_base64(text.translate(_FROM_URL) + _PADDING[over], strict_mode=True)
    except Base64Error:
        raise TokenMalformed("a part of the token is not base64url.") from None
