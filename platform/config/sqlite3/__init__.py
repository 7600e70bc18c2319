"""SQLite for many processes: Django's own backend, and a short wait for the one writer."""
