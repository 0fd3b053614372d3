from django.apps import AppConfig


class HistoryConfig(AppConfig):
    name = "history"
    verbose_name = "History"

    def ready(self) -> None:
        from history import signals  # noqa: F401 -- connects the receiver
        from history.fx import conversion_rates
        from history.providers import remote
        from history.spend import DailyMeter
        from investments.rates import use_rates

        remote.use_meter(DailyMeter())
        use_rates(conversion_rates)
