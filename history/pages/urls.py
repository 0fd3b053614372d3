from django.urls import path

from history.pages.holdings import holdings

urlpatterns = [
    path("holdings/", holdings, name="holdings"),
]
