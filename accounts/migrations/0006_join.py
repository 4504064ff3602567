from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_turn_session"),
        ("accounts", "0005_operations"),
    ]
