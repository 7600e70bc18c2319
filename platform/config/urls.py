from django.contrib import admin
from django.urls import include, path

from channels_app.login import AdminLogin
from channels_app.vendor_views import callback, let_in

admin.site.login_form = AdminLogin

urlpatterns = [
    path("admin/", admin.site.urls),
    path("i18n/", include("django.conf.urls.i18n")),
    path("channels/<slug:slug>/callback", callback, name="channel-callback"),
    path("channels/<slug:slug>/login", let_in, name="channel-login"),
    path("", include("channels_app.urls")),
]
