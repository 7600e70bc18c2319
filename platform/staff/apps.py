from django.apps import AppConfig
from django.db.models.signals import post_migrate, post_save
from django.utils.translation import gettext_lazy as _


class StaffConfig(AppConfig):
    name = "staff"
    verbose_name = _("staff")

    def ready(self) -> None:
        from staff import roles  # models exist only from here on

        # Permissions are made when all migrations have run, and made again after a test's flush;
        # so are the groups, which a data migration could not promise.
        post_migrate.connect(roles.grant_when_migrated, dispatch_uid="staff.roles")
        post_save.connect(
            roles.follow_role, sender="staff.StaffMember", dispatch_uid="staff.follow_role"
        )
