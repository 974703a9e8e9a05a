from django.urls import path

from clearline.platform.vantages import views

urlpatterns = [
    path("", views.index, name="vantages"),
    path("everywhere/", views.watch_everywhere, name="watch-everywhere"),
    path("<int:pk>/revoke/", views.revoke, name="vantage-revoke"),
    path("targets/<int:pk>/", views.watch, name="target-watch"),
]
