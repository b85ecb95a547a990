"""API for orders. Each route states its requirements as dependencies."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request, Response, WebSocket
from pydantic import BaseModel, Field

from fastapi_cognito_guard import CognitoGuard, CurrentUser, OptionalUser, require_group, require_scope

router = APIRouter()
reader = Depends(require_scope("orders/read", "orders/write"))  # either scope is enough
writer = Depends(require_scope("orders/write"))
admin = Depends(require_group("admins"))


class NewOrder(BaseModel):
    """Body of a request for a new order."""

    item: Annotated[str, Field(min_length=1, max_length=200)]
    quantity: Annotated[int, Field(gt=0, le=1000)] = 1


class Order(NewOrder):
    """Order with its id."""

    id: int


def get_orders(request: Request) -> dict[int, Order]:
    """Return the orders, which this example keeps in memory."""
    orders: dict[int, Order] = request.app.state.orders
    return orders


Orders = Annotated[dict[int, Order], Depends(get_orders)]


@router.get("/health", openapi_extra={"security": []})
async def health() -> dict[str, str]:
    """Report that the API runs. Public, and declared so in the OpenAPI document."""
    return {"status": "ok"}


@router.get("/")
async def hello(user: OptionalUser) -> dict[str, str]:
    """Greet the caller. Public; a caller with a token is greeted by name."""
    return {"hello": "stranger" if user is None else user.username or user.client_id}


@router.get("/me")
async def me(user: CurrentUser) -> dict[str, Any]:
    """Return facts about the caller. Requires a valid token."""
    return {
        "sub": user.sub,
        "username": user.username,
        "groups": sorted(user.groups),
        "scopes": sorted(user.scopes),
        "source": user.source,
    }


@router.get("/orders", dependencies=[reader])
async def list_orders(orders: Orders) -> list[Order]:
    """Return all orders. Requires either scope."""
    return list(orders.values())


@router.get("/orders/{id}", dependencies=[reader], responses={404: {"description": "No such order"}})
async def read_order(id: int, orders: Orders) -> Order:
    """Return one order. Requires either scope."""
    if id not in orders:
        raise HTTPException(404, "No such order")
    return orders[id]


@router.post("/orders", status_code=201, dependencies=[writer])
async def create_order(new: NewOrder, orders: Orders) -> Order:
    """Add an order. Requires the scope orders/write."""
    order = Order(id=max(orders, default=0) + 1, **new.model_dump())
    orders[order.id] = order
    return order


@router.delete("/orders/{id}", status_code=204, dependencies=[admin])
async def delete_order(id: int, orders: Orders) -> Response:
    """Delete an order. Requires the group admins."""
    orders.pop(id, None)
    return Response(status_code=204)


@router.websocket("/live")
async def live(socket: WebSocket, user: CurrentUser) -> None:
    """Send one message. Requires a valid token; otherwise the handshake is refused with 401."""
    await socket.accept()
    await socket.send_json({"orders": len(socket.app.state.orders), "for": user.username or user.client_id})
    await socket.close()


def create_app(guard: CognitoGuard) -> FastAPI:
    """Build the app, protected by ``guard``."""
    app = FastAPI(title="Orders")
    guard.install(app)
    app.include_router(router)
    app.state.orders = {1: Order(id=1, item="tea"), 2: Order(id=2, item="scones", quantity=2)}
    return app
