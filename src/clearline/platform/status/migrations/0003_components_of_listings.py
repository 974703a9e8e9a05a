from typing import Any

from django.db import migrations


def name_components(apps: Any, schema_editor: Any) -> None:
    """Give each listed target the component it is shown as.

    A target that is part of a component is shown as that one; of two listings of one component the first stays, with
    the incidents of both. A target that is part of none becomes one of its own, under its public name. Retired
    targets were not shown, and leave the list.
    """
    Listing = apps.get_model("status", "Listing")
    Component = apps.get_model("availability", "Component")
    Listing.objects.exclude(target__retired_at=None).delete()
    shown: dict[int, Any] = {}
    for listing in Listing.objects.select_related("target").order_by("position", "name", "pk"):
        target = listing.target
        if target.component_id is None:
            taken = Component.objects.filter(provider_id=target.provider_id, name=listing.name).exists()
            name = f"{listing.name[:70]} (target-{target.pk})" if taken else listing.name
            target.component = Component.objects.create(provider_id=target.provider_id, name=name)
            target.capability = ""
            target.save(update_fields=["component", "capability"])
        if target.component_id in shown:
            shown[target.component_id].incidents.add(*listing.incidents.all())
            listing.delete()
        else:
            listing.component_id = target.component_id
            listing.save(update_fields=["component"])
            shown[target.component_id] = listing


class Migration(migrations.Migration):
    dependencies = [("status", "0002_listings_of_components")]

    operations = [migrations.RunPython(name_components)]
