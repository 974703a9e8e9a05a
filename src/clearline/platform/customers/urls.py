from django.urls import path

from clearline.platform.customers import views

urlpatterns = [
    path("", views.index, name="customers"),
    path("add/", views.add, name="customer-add"),
    path("<int:pk>/", views.customer, name="customer"),
    path("<int:pk>/edit/", views.edit, name="customer-edit"),
    path("<int:pk>/sites/add/", views.add_site, name="site-add"),
    path("<int:pk>/contacts/add/", views.add_contact, name="contact-add"),
    path("contacts/<int:pk>/remove/", views.remove_contact, name="contact-remove"),
    path("<int:pk>/services/add/", views.add_service, name="service-add"),
    path("services/<int:pk>/", views.service, name="service"),
    path("services/<int:pk>/edit/", views.edit_service, name="service-edit"),
]
