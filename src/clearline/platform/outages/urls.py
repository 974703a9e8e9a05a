from django.urls import path

from clearline.platform.outages import views

urlpatterns = [
    path("declare/", views.declare, name="outage-declare"),
    path("correct/", views.correct, name="correction-add"),
    path("corrections/<int:pk>/<str:verdict>/", views.decide_correction, name="correction-decide"),
    path("declared/<int:pk>/<str:verdict>/", views.decide_declaration, name="declaration-decide"),
    path("declared/<int:pk>/", views.shown_file, name="declaration-file"),
    path("<str:code>/", views.outage, name="outage"),
    path("<str:code>/end/", views.end, name="declaration-end"),
]
