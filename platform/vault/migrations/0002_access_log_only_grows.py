"""The access log begins with its head row, and the database itself refuses to change what stands."""

from django.db import migrations

REFUSE_SQLITE = """
CREATE TRIGGER vault_access_no_{name} BEFORE {act} ON vault_accessentry
BEGIN SELECT RAISE(ABORT, 'the access log only grows'); END
"""
REFUSE_POSTGRES = """
CREATE FUNCTION vault_access_only_grows() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the access log only grows'; END $$;
CREATE TRIGGER vault_access_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON vault_accessentry
FOR EACH STATEMENT EXECUTE FUNCTION vault_access_only_grows();
"""


def begin(apps, schema_editor):
    apps.get_model("vault", "AccessHead").objects.get_or_create(pk=1)
    if schema_editor.connection.vendor == "sqlite":
        for name, act in (("update", "UPDATE"), ("delete", "DELETE")):
            schema_editor.execute(REFUSE_SQLITE.format(name=name, act=act))
    else:
        schema_editor.execute(REFUSE_POSTGRES)


def end(apps, schema_editor):
    if schema_editor.connection.vendor == "sqlite":
        schema_editor.execute("DROP TRIGGER vault_access_no_update")
        schema_editor.execute("DROP TRIGGER vault_access_no_delete")
    else:
        schema_editor.execute("DROP TRIGGER vault_access_no_change ON vault_accessentry")
        schema_editor.execute("DROP FUNCTION vault_access_only_grows()")


class Migration(migrations.Migration):
    dependencies = [("vault", "0001_initial")]
    operations = [migrations.RunPython(begin, end)]
