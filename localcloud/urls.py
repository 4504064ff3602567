from django.urls import path

from localcloud import inbox

app_name = "localcloud"

urlpatterns = [path("inbox/", inbox.inbox, name="inbox")]
