"""Place where a library is tried. It imports little, because processes are timed from their start."""

from dataclasses import asdict, dataclass
from typing import Any

RESOURCE = "https://orders.example.com"
POOL_ID, CLIENT_ID = "eu-west-1_FakePool1", "4b1examplefakeclient"


@dataclass(frozen=True)
class Place:
    """Settings of a library. They can be sent to another process as JSON."""

    pool_id: str
    client_id: str
    issuer: str
    address: str
    resource: str = RESOURCE

    @property
    def region(self) -> str:
        """AWS region of the pool."""
        return self.pool_id.partition("_")[0]

    def to_dict(self) -> dict[str, Any]:
        """Return the settings for JSON."""
        return asdict(self)
