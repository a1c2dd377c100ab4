"""`rpc.discover`: the methods as an OpenRPC document (version 1.3), made from what dispatches them."""

from typing import Any, Final

from phal2 import __version__
from phal2.node.rpc.registry import Method, MethodRegistry, Parameter
from phal2.node.rpc.result_schemas import BOOLEAN, FILTER_ID, TEXT, map_of

OPEN_RPC_VERSION: Final = "1.3.2"


def register_discovery(registry: MethodRegistry) -> None:
    """Offer rpc.discover and rpc_modules, which tell of all methods that the registry has when they are asked."""
    registry.add("rpc.discover", lambda: open_rpc_document(registry), result={"type": "object"})
    registry.add("rpc_modules", lambda: modules(registry), result=map_of(TEXT))


def modules(registry: MethodRegistry) -> dict[str, str]:
    """Return the version of each namespace that the registry has, as geth gives it."""
    return dict.fromkeys((*registry.namespaces(), "rpc"), "1.0")


def open_rpc_document(registry: MethodRegistry) -> dict[str, Any]:
    """Return the document that describes the registry's methods."""
    methods = [_method(method) for method in registry.methods()]
    subscriptions = registry.subscriptions()
    if subscriptions:
        names = [subscription.name for subscription in subscriptions]
        methods += [_subscribe(names), _unsubscribe()]
    return {
        "openrpc": OPEN_RPC_VERSION,
        "info": {
            "title": "phal2 JSON-RPC",
            "version": __version__,
            "license": {"name": "MIT"},
        },
        "methods": sorted(methods, key=lambda method: str(method["name"])),
    }


def _method(method: Method) -> dict[str, Any]:
    return {
        "name": method.name,
        "summary": _summary(method),
        "paramStructure": "by-position",
        "params": [_parameter(parameter) for parameter in method.parameters],
        # The schema of what may be anything is empty.
        "result": {"name": "result", "schema": dict(method.result or {})},
    }


def _summary(method: Method) -> str:
    first_paragraph = (method.function.__doc__ or "").strip().partition("\n\n")[0]
    return " ".join(first_paragraph.split())


def _parameter(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": _camel_case(parameter.name),
        "required": parameter.is_required,
        "schema": dict(parameter.type.schema),
    }


def _subscribe(names: list[str]) -> dict[str, Any]:
    return {
        "name": "eth_subscribe",
        "summary": "Begin a subscription on a WebSocket connection; return its id.",
        "paramStructure": "by-position",
        "params": [
            {"name": "subscription", "required": True, "schema": {"type": "string", "enum": names}},
            {"name": "options", "required": False, "schema": {"type": ["object", "boolean"]}},
        ],
        "result": {"name": "result", "schema": dict(FILTER_ID)},
    }


def _unsubscribe() -> dict[str, Any]:
    return {
        "name": "eth_unsubscribe",
        "summary": "End a subscription.",
        "paramStructure": "by-position",
        "params": [{"name": "subscriptionId", "required": True, "schema": dict(FILTER_ID)}],
        "result": {"name": "result", "schema": dict(BOOLEAN)},
    }


def _camel_case(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)
