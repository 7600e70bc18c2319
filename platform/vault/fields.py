"""Sealed fields: plain text in Python, ciphertext in every row, dump and backup.

A sealed field belongs to a `vault.models.SealedModel`: the row's `uid` binds the blob to its place
and the row's `data_key` seals it. It opens when the attribute is read, not when the row is loaded.
What was erased reads as ERASED; what does not open raises Unreadable, and is never shown.
"""

import json
from typing import Any

from django.db import models

from vault import cipher
from vault.datakeys import Erased, open_data_key

ERASED = "⌫"  # shown where a patient's words were, after the patient was erased


class Ciphertext(bytes):
    """A blob as it lies in the row."""


class SealedText(models.BinaryField):  # type: ignore[type-arg]
    """Text, encrypted at rest. Can't be searched: keep a blind index beside it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("editable", True)
        super().__init__(*args, **kwargs)

    def contribute_to_class(self, cls: Any, name: str, private_only: bool = False) -> None:
        super().contribute_to_class(cls, name, private_only)
        setattr(cls, name, _Opener(self))

    def from_db_value(self, value: Any, *_: Any) -> Ciphertext | None:
        return None if value is None else Ciphertext(value)

    def pre_save(self, model_instance: models.Model, add: bool) -> Ciphertext | None:
        held = model_instance.__dict__.get(self.attname)
        if held is None or isinstance(held, Ciphertext):
            return held
        return self.seal_for(model_instance, held)

    def to_python(self, value: Any) -> Any:
        return value  # a form's text is the text itself; BinaryField takes it for base64

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        if value is not None and not isinstance(value, Ciphertext):
            raise TypeError(f"{self.name} is sealed: save the row, don't update or filter by it.")
        return super().get_db_prep_value(value, connection, prepared)

    def seal_for(self, row: Any, value: Any) -> Ciphertext:
        return Ciphertext(
            cipher.seal(
                self.to_bytes(value),
                place=self._place(row),
                key_id=f"d{row.data_key_id}",
                key=open_data_key(row.data_key_id),
            )
        )

    def open_for(self, row: Any, blob: Ciphertext) -> Any:
        try:
            key = open_data_key(row.data_key_id)
        except Erased:
            return self.erased
        return self.from_bytes(cipher.open_sealed(blob, place=self._place(row), key=key))

    erased: Any = ERASED

    def to_bytes(self, value: Any) -> bytes:
        return str(value).encode()

    def from_bytes(self, plain: bytes) -> Any:
        return plain.decode()

    def formfield(self, **kwargs: Any) -> Any:
        from django import forms

        kwargs = {key: kwargs[key] for key in ("widget", "label", "help_text") if key in kwargs}
        return forms.CharField(
            required=not self.blank, label=kwargs.pop("label", self.verbose_name), **kwargs
        )

    def value_from_object(self, obj: models.Model) -> Any:
        return getattr(obj, self.attname)

    def value_to_string(self, obj: models.Model) -> str:
        raise TypeError(f"{self.name} is sealed, and is not serialised.")

    def _place(self, row: Any) -> str:
        return f"{self.model._meta.db_table}:{self.column}:{row.uid}"


class SealedJSON(SealedText):
    """A small JSON value, encrypted at rest. Erased, it reads as an empty object."""

    erased: Any = {}

    def to_bytes(self, value: Any) -> bytes:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()

    def from_bytes(self, plain: bytes) -> Any:
        return json.loads(plain)


class SealedBytes(SealedText):
    """A file's content, encrypted at rest. Erased, it is empty."""

    erased: Any = b""

    def to_bytes(self, value: Any) -> bytes:
        return bytes(value)

    def from_bytes(self, plain: bytes) -> Any:
        return plain


class _Opener:
    """Opens the blob at the first look, and keeps what it read for the life of the object."""

    def __init__(self, field: SealedText) -> None:
        self._field = field

    def __get__(self, row: Any, owner: Any = None) -> Any:
        if row is None:
            return self
        name = self._field.attname
        if name not in row.__dict__:  # a deferred column
            row.refresh_from_db(fields=[name])
        held = row.__dict__[name]
        if isinstance(held, Ciphertext):
            held = row.__dict__[name] = self._field.open_for(row, held)
        return held

    def __set__(self, row: Any, value: Any) -> None:
        row.__dict__[self._field.attname] = value
