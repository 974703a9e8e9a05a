"""Every address of the platform."""

from django.urls import include, path

from clearline.platform.web import views

urlpatterns = [
    path("", views.dashboard, name="dashboard"),
    path("now/", views.dashboard_now, name="dashboard-now"),
    path("", include("clearline.platform.accounts.urls")),
    path("audit/", include("clearline.platform.audit.urls")),
    path("healthz", views.healthz, name="healthz"),
    path("metrics", views.metrics, name="metrics"),
]
handler404 = "clearline.platform.web.views.not_found"
