"""Log records that cannot change a response: whatever an app's own logging does, requests go on."""

import logging
import traceback
from typing import Any

_PREFIX = "cognito_guard_"


def write_record(
    logger: logging.Logger,
    level: int,
    message: str,
    *args: object,
    extra: dict[str, Any] | None = None,
    exc_info: bool = False,
) -> None:
    """Write one record. A handler, a filter or a record factory that fails is reported on standard error.

    If the app's record factory has a field with the name of one in ``extra``, all names in ``extra`` get
    the prefix ``cognito_guard_``.
    """
    try:
        try:
            logger.log(level, message, *args, extra=extra, exc_info=exc_info, stacklevel=2)
        except KeyError:  # `logging` takes no field twice
            renamed = {f"{_PREFIX}{name}": value for name, value in (extra or {}).items()}
            logger.log(level, message, *args, extra=renamed, exc_info=exc_info, stacklevel=2)
    except Exception:
        traceback.print_exc()  # as `logging` does for its own handlers
