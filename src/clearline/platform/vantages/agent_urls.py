"""The addresses agents ask; `clearline.sensors.agent.wire` names them too."""

from django.urls import path

from clearline.platform.vantages import api

urlpatterns = [
    path("enrol", api.enrol, name="agent-enrol"),
    path("exchange", api.exchange, name="agent-exchange"),
]
