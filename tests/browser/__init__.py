"""What patients and nurses see: a real browser at a real house."""
