"""Soak: mixed tokens against uvicorn, while keys rotate and the key server fails and recovers."""
