"""Objects of JSON whose names are spelled in more than one way, camelCase or snake_case, or have gone by others."""

from collections.abc import Mapping
from typing import Final, TypeAlias

from phal2.node.protocol.configuration_fields import ConfigurationFields, InvalidConfiguration

Spellings: TypeAlias = Mapping[str, tuple[str, ...]]
"""The names that are read, as errors show them, with the other names that each goes by."""

_SHOWN_CHARACTERS: Final = 80


def spelled_fields(path: str, content: object, spellings: Spellings) -> ConfigurationFields:
    """Return the fields of the object at `path` under the names of `spellings`; others are left out.

    Names match whatever their case and underscores. Raises `InvalidConfiguration` where `content` is no object, or
    gives a field two different values.
    """
    if not isinstance(content, dict):
        raise InvalidConfiguration(f"{path} is missing or no object")
    known = {_bare(spelling): name for name, others in spellings.items() for spelling in (name, *others)}
    fields: dict[str, object] = {}
    for spelling, value in content.items():
        name = known.get(_bare(spelling))
        if name is None or value is None:
            continue
        if name in fields and fields[name] != value:
            raise InvalidConfiguration(
                f"{path}.{name} is there twice with different values, once as {spelling[:_SHOWN_CHARACTERS]}"
            )
        fields[name] = value
    return ConfigurationFields(path, fields)


def _bare(name: str) -> str:
    return name.replace("_", "").lower()
