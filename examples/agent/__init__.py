"""An agent calls an API on behalf of its users."""
