from django.urls import path

from clearline.platform.maintenance import views

urlpatterns = [
    path("", views.index, name="maintenance"),
    path("calendar/", views.calendar, name="maintenance-calendar"),
    path("calendar/read/", views.read_notice, name="carrier-notice-read"),
    path("add/", views.add, name="window-add"),
    path("<int:pk>/", views.window, name="window"),
    path("<int:pk>/approve/", views.approve, name="window-approve"),
    path("<int:pk>/start/", views.start, name="window-start"),
    path("<int:pk>/move/", views.move, name="window-move"),
    path("<int:pk>/extend/", views.extend, name="window-extend"),
    path("<int:pk>/complete/", views.complete, name="window-complete"),
    path("<int:pk>/cancel/", views.cancel, name="window-cancel"),
    path("exclude/", views.exclude, name="exclusion-add"),
]
