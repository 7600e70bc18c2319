"""The embedded broker of one machine: rings for workers, kept in our own database.

`rings` is what one can do with a ring (put, claim, renew, acknowledge); `transport` is the same
in kombu's tongue, so that Celery needs no other server. Why: docs/adr/0001-embedded-broker.md.
"""
