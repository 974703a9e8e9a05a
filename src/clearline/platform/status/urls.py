from django.urls import path

from clearline.platform.status import portal, public, views

urlpatterns = [
    path("incidents/", views.index, name="incidents"),
    path("incidents/add/", views.add, name="incident-add"),
    path("incidents/<int:pk>/", views.incident, name="incident"),
    path("incidents/components/add/", views.add_listing, name="listing-add"),
    path("incidents/components/<int:pk>/remove/", views.remove_listing, name="listing-remove"),
    path("incidents/customers/<int:pk>/link/", views.make_link, name="customer-link"),
    path("status/subscribe/", public.subscribe, name="status-subscribe"),
    path("status/confirm/<str:token>/", public.confirm, name="status-confirm"),
    path("status/end/<str:token>/", public.end, name="status-end"),
    path("status/customers/<str:token>/", portal.customer, name="status-customer"),
    path("status/customers/<str:token>/report/", portal.report, name="status-customer-report"),
    path("status/customers/<str:token>/feed.atom", portal.feed, name="status-customer-feed"),
    path("status/customers/<str:token>/maintenance.ics", portal.calendar, name="status-customer-calendar"),
]
