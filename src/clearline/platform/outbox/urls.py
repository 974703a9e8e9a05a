from django.urls import path

from clearline.platform.outbox import views

urlpatterns = [path("", views.index, name="outbox")]
