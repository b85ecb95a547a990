"""From the app to AWS."""
