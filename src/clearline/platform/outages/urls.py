from django.urls import path

from clearline.platform.outages import views

urlpatterns = [
    path("components/", views.components, name="components"),
    path("components/add/", views.edit_component, name="component-add"),
    path("components/<int:pk>/", views.edit_component, name="component-edit"),
    path("restoration/", views.restoration, name="restoration"),
    path("declare/", views.declare, name="outage-declare"),
    path("correct/", views.correct, name="correction-add"),
    path("corrections/<int:pk>/<str:verdict>/", views.decide_correction, name="correction-decide"),
    path("declared/<int:pk>/<str:verdict>/", views.decide_declaration, name="declaration-decide"),
    path("declared/<int:pk>/", views.shown_file, name="declaration-file"),
    path("<str:code>/", views.outage, name="outage"),
    path("<str:code>/note/", views.note, name="outage-note"),
    path("<str:code>/post-mortem/", views.post_mortem, name="post-mortem"),
    path("<str:code>/post-mortem/<str:form>/", views.exported, name="post-mortem-export"),
    path("<str:code>/end/", views.end, name="declaration-end"),
]
