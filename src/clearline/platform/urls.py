"""Every address of the platform."""

from django.urls import include, path

from clearline.platform.web import views

urlpatterns = [
    path("", views.dashboard, name="dashboard"),
    path("", include("clearline.platform.accounts.urls")),
    path("customers/", include("clearline.platform.customers.urls")),
    path("availability/vantages/", include("clearline.platform.vantages.urls")),
    path("availability/outages/", include("clearline.platform.outages.urls")),
    path("availability/", include("clearline.platform.availability.urls")),
    path("agents/", include("clearline.platform.vantages.agent_urls")),
    path("alerts/", include("clearline.platform.alerts.urls")),
    path("maintenance/", include("clearline.platform.maintenance.urls")),
    path("calls/", include("clearline.platform.calls.urls")),
    path("desk/", include("clearline.platform.desk.urls")),
    path("statements/", include("clearline.platform.statements.urls")),
    path("agreements/", include("clearline.platform.agreements.urls")),
    path("", include("clearline.platform.status.urls")),
    path("deliveries/", include("clearline.platform.outbox.urls")),
    path("audit/", include("clearline.platform.audit.urls")),
    path("healthz", views.healthz, name="healthz"),
    path("metrics", views.metrics, name="metrics"),
]
handler404 = "clearline.platform.web.views.not_found"
