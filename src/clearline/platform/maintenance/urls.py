from django.urls import path

from clearline.platform.maintenance import views

urlpatterns = [
    path("", views.index, name="maintenance"),
    path("add/", views.add, name="window-add"),
    path("<int:pk>/cancel/", views.cancel, name="window-cancel"),
    path("exclude/", views.exclude, name="exclusion-add"),
]
