from patients.admin.around import (
    ChannelAdmin,
    ConsentAdmin,
    ContactPointAdmin,
    ProxyAdmin,
    health_of,
)
from patients.admin.parts import SEALED_WIDGETS
from patients.admin.patient import PatientAdmin

__all__ = [
    "SEALED_WIDGETS",
    "ChannelAdmin",
    "ConsentAdmin",
    "ContactPointAdmin",
    "PatientAdmin",
    "ProxyAdmin",
    "health_of",
]
