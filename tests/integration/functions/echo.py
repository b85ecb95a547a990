"""Answers with the event that it was given: what a gateway delivers."""

import json
from typing import Any


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """The whole event, as the body."""
    return {
        "statusCode": 200,
        "headers": {"content-type": "application/json"},
        "body": json.dumps(event),
        "isBase64Encoded": False,
    }
