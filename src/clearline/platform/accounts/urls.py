"""Sign-in. Only the parts of django-allauth that are in use: nobody signs up by themselves, and no mail is sent."""

from allauth.account import views as allauth
from django.contrib.auth.decorators import login_not_required
from django.urls import include, path
from django.views.generic import RedirectView

from clearline.platform.accounts import views

urlpatterns = [
    path("welcome/<str:token>/", views.welcome, name="welcome"),
    path("people/", views.people, name="people"),
    path("sign-in/", allauth.login, name="account_login"),
    path("sign-out/", allauth.logout, name="account_logout"),
    path("sign-in/again/", allauth.reauthenticate, name="account_reauthenticate"),
    path("sign-in/inactive/", allauth.account_inactive, name="account_inactive"),
    path("sign-in/help/", views.sign_in_help, name="account_reset_password"),
    path("sign-up/", login_not_required(RedirectView.as_view(pattern_name="account_login")), name="account_signup"),
    path("me/password/", allauth.password_change, name="account_change_password"),
    path("me/second-factor/", include("allauth.mfa.urls")),
]
