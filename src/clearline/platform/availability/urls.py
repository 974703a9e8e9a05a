from django.urls import path

from clearline.platform.availability import views

urlpatterns = [
    path("", views.index, name="availability"),
    path("targets/add/", views.add, name="target-add"),
    path("targets/<int:pk>/", views.target, name="target"),
    path("targets/<int:pk>/retire/", views.retire, name="target-retire"),
    path("targets/<int:pk>/account/", views.account, name="target-account"),
    path("targets/<int:pk>/plot/<str:quantity>/<int:hours>/", views.plot, name="target-plot"),
]
