from django.urls import path

from clearline.platform.alerts import views

urlpatterns = [
    path("", views.index, name="alerts"),
    path("<int:pk>/acknowledge/", views.acknowledge, name="alert-acknowledge"),
    path("link/<str:token>/", views.link, name="alert-link"),
    path("signals/add/", views.add_signal, name="signal-add"),
    path("signals/<int:pk>/remove/", views.remove_signal, name="signal-remove"),
    path("telephone/", views.call_account, name="call-account"),
    path("telephone/remove/", views.remove_call_account, name="call-account-remove"),
    path("on-call/add/", views.add_responder, name="responder-add"),
    path("on-call/<int:pk>/remove/", views.remove_responder, name="responder-remove"),
]
