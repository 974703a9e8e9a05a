from django.urls import path

from clearline.platform.calls import views

urlpatterns = [
    path("", views.index, name="calls"),
    path("upload/", views.upload, name="upload"),
    path("captures/<int:pk>/", views.capture, name="capture"),
    path("captures/<int:pk>/retry/", views.retry, name="capture-retry"),
    path("<int:start_us>/<str:key>/", views.call, name="call"),
]
