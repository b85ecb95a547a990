"""Features that `install` adds to an app, and the app's routes as values."""
