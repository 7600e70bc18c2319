"""Rehearsals with a running house: patients who write as real ones do, and a ledger of it all.

A plain client of docs/protocol.md: it needs the address of a server, and no database.
"""
