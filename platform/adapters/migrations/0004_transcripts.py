from django.db import migrations

import vault.fields


class Migration(migrations.Migration):

    dependencies = [
        ('adapters', '0003_notices'),
    ]

    operations = [
        migrations.AddField(
            model_name='attachment',
            name='transcript',
            field=vault.fields.SealedText(null=True),
        ),
    ]
