"""How a command ends: what scripts may count on."""

OK = 0
"""Yes: the token is good, the app is in order."""
NO = 1
"""No: the token would be refused, something is wrong or stands open."""
WRONG_USE = 2
"""The question makes no sense as it was asked: an option, a setting, an app that cannot be imported."""
UNDECIDED = 3
"""Nobody can tell: what has to be asked cannot be reached."""
