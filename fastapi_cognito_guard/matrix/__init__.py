"""Matrix of who may do what: the routes of an app by its callers, computed from what each route requires."""

from fastapi_cognito_guard.matrix.callers import Caller, read_callers
from fastapi_cognito_guard.matrix.table import DOORS, Answer, Door, Matrix, Row, build_matrix, list_callers

__all__ = [
    "DOORS",
    "Answer",
    "Caller",
    "Door",
    "Matrix",
    "Row",
    "build_matrix",
    "list_callers",
    "read_callers",
]
