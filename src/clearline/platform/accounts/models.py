"""Who uses the platform: a provider, its people, and the links that let a person in once."""

from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models


class Provider(models.Model):
    """A telephone company: the tenant that everything belongs to."""

    name = models.CharField(max_length=200)
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name

    @property
    def tenant(self) -> str:
        """The provider's name in the records, which know nothing of this database."""
        return f"provider-{self.pk}"


class UserManager(BaseUserManager["User"]):
    """Finds people by the e-mail address they sign in with."""

    def create_person(self, *, provider: Provider, email: str, password: str | None, name: str = "") -> "User":
        """Add a person who works for the provider; without a password they come in by a link."""
        user = self.model(provider=provider, email=email.strip().lower(), name=name)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def get_by_natural_key(self, username: str | None) -> "User":
        """The person with this e-mail address, in whatever case it was typed."""
        return self.get(email__iexact=username)


class User(AbstractBaseUser):
    """A person who works for one provider and sees everything of it, and nothing of another."""

    provider = models.ForeignKey(Provider, on_delete=models.PROTECT, related_name="people")
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=200, blank=True)
    is_active = models.BooleanField(default=True)

    objects: ClassVar[UserManager] = UserManager()
    provider_path: ClassVar[str] = "provider"

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"

    def __str__(self) -> str:
        return self.name or self.email


class SignInLink(models.Model):
    """A link that lets its holder in once, until it expires. Only the token's hash is kept."""

    token_sha256 = models.CharField(max_length=64, unique=True)
    user = models.ForeignKey(User, null=True, on_delete=models.CASCADE)
    """The person it signs in; null for the link that sets up the provider and its first person."""
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"sign-in link for {self.user or 'the first person'}"
