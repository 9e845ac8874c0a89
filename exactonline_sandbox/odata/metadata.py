"""`$metadata`: the entity model of a service, or of all plain endpoints, as EDMX for OData 2.

Left out is what the catalogue knows too little of: functions, entities without a key, and
navigation properties that lead to no endpoint of the same service.
"""

from __future__ import annotations

from collections import defaultdict
from functools import cache
from typing import TYPE_CHECKING
from xml.sax.saxutils import quoteattr

from exactonline_sandbox.edm.model import MODELS, entity_name, model_name, schema
from exactonline_sandbox.odata.answer import NAMESPACE, Answer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exactonline_client.catalogue import Endpoint, Property

PATH = "$metadata"
_KINDS = ("crud", "read")
_EDMX = "http://schemas.microsoft.com/ado/2007/06/edmx"
_EDM = "http://schemas.microsoft.com/ado/2008/09/edm"


def is_asked(path: str) -> bool:
    """Whether a path below the division asks for it."""
    return path == PATH or path.endswith(f"/{PATH}")


@cache
def metadata(path: str) -> Answer | None:
    """The model that a path asks for; None if there is no such service.

    Args:
        path: Below the division: `$metadata`, `crm/$metadata`, `sync/CRM/$metadata` and so on.
    """
    service = path.removesuffix(PATH).rstrip("/").lower()
    found = [
        endpoint
        for endpoint in schema().endpoints.values()
        if endpoint.key and endpoint.kind != "function" and "GET" in endpoint.methods
        and (_service(endpoint).lower() == service or (not service and endpoint.kind in _KINDS))
    ]  # fmt: skip
    if not found:
        return None
    return Answer(body=_document(found).encode(), content_type="application/xml;charset=utf-8")


def _service(endpoint: Endpoint) -> str:
    return endpoint.path.rpartition("/")[0]


def _document(endpoints: list[Endpoint]) -> str:
    services: dict[str, list[Endpoint]] = defaultdict(list)
    for endpoint in endpoints:
        services[_service(endpoint)].append(endpoint)
    types: dict[str, dict[str, Property]] = defaultdict(dict)
    keys: dict[str, tuple[str, ...]] = {}
    ends: dict[str, dict[str, str]] = defaultdict(dict)
    for members in services.values():
        ids = {member.id for member in members}
        for member in members:
            # Two services may have a type of one name; it then has the properties of both.
            name = model_name(member.id)
            types[name].update(member.columns)
            keys.setdefault(name, member.key)
            for item in member.properties.values():
                if item.navigation and item.entity in ids:
                    ends[name][item.name] = model_name(item.entity)
    schemas: dict[str, list[str]] = defaultdict(list)
    for name, columns in types.items():
        area, _, _ = name.rpartition(".")
        schemas[area].append(_type(name, keys[name], columns.values(), ends[name]))
        schemas[MODELS] += [_association(name, item, to) for item, to in ends[name].items()]
    # Consumers look for the sets of an association in the namespace of the association.
    schemas[MODELS] += [_container(name, items) for name, items in services.items()]
    written = (
        f'<Schema Namespace="{name}" xmlns="{_EDM}">{"".join(parts)}</Schema>'
        for name, parts in schemas.items()
    )
    return (
        '<?xml version="1.0" encoding="utf-8" standalone="yes"?>'
        f'<edmx:Edmx Version="1.0" xmlns:edmx="{_EDMX}">'
        f'<edmx:DataServices m:DataServiceVersion="2.0" xmlns:m="{NAMESPACE}/metadata">'
        f"{''.join(written)}</edmx:DataServices></edmx:Edmx>"
    )


def _type(
    name: str, key: tuple[str, ...], columns: Iterable[Property], ends: dict[str, str]
) -> str:
    refs = "".join(f"<PropertyRef Name={quoteattr(part)} />" for part in key)
    properties = "".join(
        f'<Property Name="{item.name}" Type="{item.type}" '
        f'Nullable="{"false" if item.name in key else "true"}" />'
        for item in columns
    )
    navigations = "".join(
        f'<NavigationProperty Name="{item}" Relationship="{_relation(name, item)}" '
        f'FromRole="{item}_Of" ToRole="{item}" />'
        for item in ends
    )
    short = name.rpartition(".")[2]
    return f'<EntityType Name="{short}"><Key>{refs}</Key>{properties}{navigations}</EntityType>'


def _relation(name: str, navigation: str) -> str:
    """The name of an association, in the namespace of all types."""
    short = name.removeprefix(f"{MODELS}.").replace(".", "_")
    return f"{MODELS}.{short}_{navigation}"


def _association(name: str, navigation: str, to: str) -> str:
    short = _relation(name, navigation).rpartition(".")[2]
    return (
        f'<Association Name="{short}">'
        f'<End Role="{navigation}_Of" Type="{name}" Multiplicity="1" />'
        f'<End Role="{navigation}" Type="{to}" Multiplicity="*" /></Association>'
    )


def _container(service: str, endpoints: list[Endpoint]) -> str:
    names = {endpoint.id: entity_name(endpoint) for endpoint in endpoints}
    sets = "".join(
        f'<EntitySet Name="{names[endpoint.id]}" EntityType="{model_name(endpoint.id)}" />'
        for endpoint in endpoints
    )
    associations = "".join(
        f'<AssociationSet Name="{names[endpoint.id]}_{item.name}" '
        f'Association="{_relation(model_name(endpoint.id), item.name)}">'
        f'<End Role="{item.name}_Of" EntitySet="{names[endpoint.id]}" />'
        f'<End Role="{item.name}" EntitySet="{names[item.entity]}" /></AssociationSet>'
        for endpoint in endpoints
        for item in endpoint.properties.values()
        if item.navigation and item.entity in names
    )
    return (
        f'<EntityContainer Name="{service.replace("/", "_") or "current"}">'
        f"{sets}{associations}</EntityContainer>"
    )
