"""What a patient answers when we ask: days, times, numbers, people, picks, and words that steer.

Every reader is pure, takes a message in Chinese or English, never raises, and returns the places
it read, so that `spelling.rest` can tell whether anything else was said. What a reader cannot
tell it leaves unread: the dialogue asks, it does not guess.
"""
