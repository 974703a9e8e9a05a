from django.urls import path

from clearline.platform.audit import views

urlpatterns = [path("", views.trail, name="audit")]
