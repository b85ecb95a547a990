"""The error of the local pool for its clients."""


class OAuthError(Exception):
    """Error for the client (RFC 6749 sections 4.1.2.1 and 5.2)."""

    def __init__(self, code: str, description: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.description = description
