"""Features that `install` adds to an app, and its routes as values."""
