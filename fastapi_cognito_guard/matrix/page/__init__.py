"""The matrix as a page: one HTML file that needs nothing else."""

from fastapi_cognito_guard.matrix.page.document import build_page

__all__ = ["build_page"]
