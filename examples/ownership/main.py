"""Orders with an owner, who alone cancels an order. The owner and the group support read it."""

from dataclasses import dataclass
from itertools import count
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException

from fastapi_cognito_guard import CognitoGuard, CurrentUser, Principal, require, require_group

app = FastAPI(title="Orders")
CognitoGuard.from_env().install(app)


@dataclass(frozen=True)
class Order:
    """Row of the app's database. The owner is a pool and a ``sub``, which no two users share."""

    item: str
    owner: tuple[str, str]


ORDERS: dict[int, Order] = {}  # your database
ids = count(1)


async def find_order(order_id: int) -> Order | None:
    """Return the order, or None: a stranger gets 403 for both, and does not learn which orders exist."""
    return ORDERS.get(order_id)


FoundOrder = Annotated[Order | None, Depends(find_order)]


async def is_owner(user: Principal, order: FoundOrder) -> bool:
    """Return True if the order is the caller's own."""
    return order is not None and order.owner == (user.pool_id, user.sub)


owner = require(is_owner, name="owner")


@app.post("/orders/{item}", status_code=201)
async def place_order(item: str, user: CurrentUser) -> int:
    """Place an order, and return its id. The owner is the caller, never a value of the request."""
    order_id = next(ids)
    ORDERS[order_id] = Order(item, (user.pool_id, user.sub))
    return order_id


@app.get("/orders/{order_id}", dependencies=[Depends(owner | require_group("support"))])
async def read_order(order: FoundOrder) -> str:
    """Return what was ordered."""
    if order is None:  # only for the group support
        raise HTTPException(404)
    return order.item


@app.delete("/orders/{order_id}", status_code=204, dependencies=[Depends(owner)])
async def cancel_order(order_id: int) -> None:
    """Cancel an order."""
    del ORDERS[order_id]
