from patients.admin.around import (
    ChannelAdmin,
    ConsentAdmin,
    ContactPointAdmin,
    ProxyAdmin,
    health_of,
)
from patients.admin.conflicts import ConflictAdmin
from patients.admin.parts import SEALED_WIDGETS
from patients.admin.patient import PatientAdmin

__all__ = [
    "SEALED_WIDGETS",
    "ChannelAdmin",
    "ConflictAdmin",
    "ConsentAdmin",
    "ContactPointAdmin",
    "PatientAdmin",
    "ProxyAdmin",
    "health_of",
]
