from django.urls import path

from clearline.platform.desk import views

urlpatterns = [
    path("", views.index, name="desk"),
    path("add/", views.add, name="request-add"),
    path("<int:pk>/", views.support_request, name="request"),
]
