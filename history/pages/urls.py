from django.urls import path

from history.pages.holdings import holdings
from history.pages.income import income, prefer
from history.pages.performance import performance

urlpatterns = [
    path("holdings/", holdings, name="holdings"),
    path("performance/", performance, name="performance"),
    path("income/", income, name="income"),
    path("income/preferences/<int:pk>/", prefer, name="income_preference"),
]
