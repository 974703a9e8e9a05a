"""Tenancy through one door: what a person may see is asked for by `Model.objects.visible_to(user)` and nowhere else."""

from typing import TYPE_CHECKING, ClassVar, Self, TypeVar

from django.contrib.auth.models import AnonymousUser
from django.db import models

if TYPE_CHECKING:
    from clearline.platform.accounts.models import User

_Row = TypeVar("_Row", bound=models.Model)


class TenantQuerySet(models.QuerySet[_Row]):
    """Rows that belong to a provider, directly or through the path their model names."""

    def visible_to(self, user: "User | AnonymousUser") -> Self:
        """The rows of the provider the user works for; none for somebody who is not signed in."""
        if isinstance(user, AnonymousUser):
            return self.none()
        path: str = self.model.provider_path  # type: ignore[attr-defined]  # every tenant model has it; a test holds it
        return self.filter(**{path: user.provider_id})


class TenantModel(models.Model):
    """A row that belongs to one provider."""

    provider_path: ClassVar[str] = "provider"
    """The way from this model to its provider, in the language of query lookups."""

    objects = TenantQuerySet.as_manager()

    class Meta:
        abstract = True
