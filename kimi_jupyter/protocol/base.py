"""The base of all wire types: frozen, closed, described by the sentence under each field."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

Mode = Literal["ask", "accept_edits", "plan", "bypass"]


class Data(BaseModel):
    """A value that can be stored and sent; it has no behaviour."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)
