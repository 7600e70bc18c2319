"""Hospital information systems that speak FHIR R4: fetched from, told, and compared with."""
