from django.urls import path

from clearline.platform.statements import views

urlpatterns = [
    path("", views.index, name="statements"),
    path("running/<str:code>/", views.running, name="outage-cost"),
    path("<int:pk>/<str:month>/", views.statement, name="statement"),
    path("<int:pk>/<str:month>/close/", views.close_month, name="month-close"),
    path("<int:pk>/<str:month>/<str:what>/", views.download, name="statement-download"),
]
