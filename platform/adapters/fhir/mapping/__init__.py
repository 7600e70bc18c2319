"""FHIR R4 resources, as JSON objects, to the records of the rooms and back: pure."""
