from django.urls import path

from clearline.platform.agreements import views

urlpatterns = [
    path("", views.index, name="agreements"),
    path("add/", views.add, name="agreement-add"),
    path("versions/<int:pk>/", views.version, name="agreement-version"),
]
