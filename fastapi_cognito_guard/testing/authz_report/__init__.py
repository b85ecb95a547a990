"""The report of ``pytest --authz-report``: which outcomes of an app's routes the tests exercised."""
