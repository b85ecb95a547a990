"""HTML pages of the local pool: the sign-in form, and the refusal of an invalid redirect."""

from collections.abc import Iterable, Mapping
from html import escape
from string import Template

from fastapi_cognito_guard.testing.emulator.directory import LocalUser

_PAGE = Template("""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
:root { color-scheme: light dark; --ink: #16202c; --quiet: #55606d; --paper: #fff; --ground: #eef1f5;
  --line: #c3cad3; --accent: #0b5fa5; --on-accent: #fff; --alarm: #a4171f; }
@media (prefers-color-scheme: dark) { :root { --ink: #edf1f5; --quiet: #a9b4c0; --paper: #1b232d;
  --ground: #10161d; --line: #46525f; --accent: #7cc0ff; --on-accent: #0b1622; --alarm: #ff9aa0; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1rem;
  background: var(--ground); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; }
main { width: 100%; max-width: 24rem; padding: 2rem; background: var(--paper);
  border: 1px solid var(--line); border-radius: .75rem; }
h1 { margin: 0; font-size: 1.375rem; line-height: 1.25; }
p { margin: .5rem 0 0; color: var(--quiet); overflow-wrap: anywhere; }
p[role=alert] { color: var(--alarm); }
fieldset { margin: 1.5rem 0 0; padding: 0; border: 0; display: grid; gap: .5rem; }
legend, .field { padding: 0; margin-bottom: .5rem; font-weight: 600; }
.user { display: flex; gap: .75rem; align-items: center; padding: .625rem .875rem; cursor: pointer;
  border: 1px solid var(--line); border-radius: .5rem; }
.user:has(:checked) { border-color: var(--accent); box-shadow: inset 0 0 0 1px var(--accent); }
.user:focus-within, button:focus-visible, input[type=password]:focus-visible
  { outline: 3px solid var(--accent); outline-offset: 2px; }
.user input { margin: 0; width: 1.125rem; height: 1.125rem; accent-color: var(--accent); outline: none; }
.user small { display: block; color: var(--quiet); }
.field { display: block; margin-top: 1.5rem; }
input[type=password], button { width: 100%; min-height: 2.75rem; font: inherit; border-radius: .5rem; }
input[type=password] { padding: 0 .875rem; color: inherit; background: var(--paper);
  border: 1px solid var(--line); }
button { margin-top: 1.5rem; border: 0; font-weight: 600; cursor: pointer; background: var(--accent);
  color: var(--on-accent); }
</style>
</head>
<body>
<main>
<h1>$title</h1>
$body
</main>
</body>
</html>
""")

_PASSWORD_FIELD = (
    '<label class="field" for="password">Password, if you have one</label>'
    '<input id="password" type="password" name="password" autocomplete="current-password">'
)


def render_sign_in_page(
    *,
    client: str,
    users: Iterable[LocalUser],
    chosen: str | None,
    hidden: Mapping[str, str],
    alert: str | None = None,
) -> str:
    """Render the form. ``hidden`` fields repeat the authorization request; ``chosen`` is the checked user."""
    known = list(users)
    names = [user.username for user in known]
    checked = chosen if chosen in names else next(iter(names), None)
    body = [
        f"<p>to <strong>{escape(client)}</strong>, in the local user pool.</p>",
        *([_render_alert(alert)] if alert else []),
        '<form method="post" action="/login">',
        *(_render_hidden_field(name, value) for name, value in hidden.items()),
        "<fieldset><legend>Who are you?</legend>",
        *(_render_user(user, checked=user.username == checked) for user in known),
        "</fieldset>",
        *([_PASSWORD_FIELD] if any(user.password for user in known) else []),
        "<button>Sign in</button></form>",
    ]
    return _PAGE.substitute(title="Sign in", body="\n".join(body))


def render_refusal_page(reason: str) -> str:
    """Render the reason for which no sign-in is possible."""
    return _PAGE.substitute(title="This cannot work", body=_render_alert(reason))


def _render_alert(text: str) -> str:
    return f'<p role="alert">{escape(text)}</p>'


def _render_hidden_field(name: str, value: str) -> str:
    return f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'


def _render_user(user: LocalUser, *, checked: bool) -> str:
    about = f"in {', '.join(user.groups)}" if user.groups else "in no group"
    if user.suppressed_scopes:
        about += f", without {', '.join(user.suppressed_scopes)}"
    return (
        f'<label class="user"><input type="radio" name="username" value="{escape(user.username)}" required'
        f"{' checked' if checked else ''}>"
        f"<span>{escape(user.username)}<small>{escape(about)}</small></span></label>"
    )
