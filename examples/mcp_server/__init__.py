"""An MCP server in a FastAPI app, behind the guard."""
