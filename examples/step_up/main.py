"""A bank: any sign-in reads the balance, and a payment needs a strong and recent one.

A client whose sign-in is too weak or too old gets a challenge (RFC 9470) that says what to ask for.
"""

from typing import Annotated

from fastapi import Body, Depends, FastAPI

from fastapi_cognito_guard import CognitoGuard, CurrentUser, require_direct, require_level

STRONG, RECENT = "urn:cognito:loa:3", 300  # seconds

app = FastAPI(title="Bank")
CognitoGuard.from_env().install(app)
BALANCES: dict[tuple[str, str], int] = {}  # your database


@app.get("/balance")
async def read_balance(user: CurrentUser) -> int:
    """Return the caller's balance."""
    return BALANCES.get((user.pool_id, user.sub), 100)


@app.post(
    "/payments", dependencies=[Depends(require_level(STRONG, max_age=RECENT)), Depends(require_direct())]
)
async def pay(user: CurrentUser, amount: Annotated[int, Body(embed=True, gt=0, le=100)]) -> int:
    """Pay from the caller's balance, and return what is left. Nobody pays on behalf of the user."""
    balance = BALANCES[user.pool_id, user.sub] = await read_balance(user) - amount
    return balance
