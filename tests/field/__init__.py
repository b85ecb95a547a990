"""Apps and front doors as people have them, each compared with the app standalone."""
