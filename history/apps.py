from django.apps import AppConfig


class HistoryConfig(AppConfig):
    name = "history"
    verbose_name = "History"

    def ready(self) -> None:
        from history import signals  # noqa: F401 -- connects the receiver
        from history.market.fx import conversion_rates
        from history.market.spend import DailyMeter
        from history.providers import remote
        from investments.rates import use_rates

        remote.use_meter(DailyMeter())
        use_rates(conversion_rates)
