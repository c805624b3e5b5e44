"""The reporter: events in, metrics out."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from batchwright import BatchwrightError, Reporter
from batchwright.contracts.events import Event, RunFinished, RunStarted

from batchwright_prometheus.options import PrometheusOptions

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from batchwright_prometheus.endpoint import Endpoint
    from batchwright_prometheus.textfile import Textfile

logger = logging.getLogger("batchwright.prometheus")


class PrometheusReporter(Reporter[PrometheusOptions]):
    """Keeps metrics of a run, and serves or writes them as the options say.

    A program that serves metrics itself gives a registry and no options. The metrics add up over all runs
    that use the same reporter.

    Args:
        options: Where the metrics can be read; None for the registry only.
        registry: Where the metrics are kept; by default in one of their own.
    """

    name = "prometheus"
    options_type = PrometheusOptions

    def __init__(
        self, options: PrometheusOptions | None = None, *, registry: CollectorRegistry | None = None
    ) -> None:
        super().__init__(options or PrometheusOptions.model_construct())
        # they take a while to import, and every command imports the plugin
        from batchwright_prometheus.metrics import Metrics
        from batchwright_prometheus.registry import MomentRegistry

        self.registry = registry or MomentRegistry()
        self._metrics = Metrics(self.registry)
        self._endpoint: Endpoint | None = None
        self._textfile: Textfile | None = None
        self._interrupted = False

    @property
    def url(self) -> str | None:
        """Where the endpoint is, while there is one."""
        return self._endpoint.url if self._endpoint else None

    def handle(self, event: Event) -> None:
        """Take the event in.

        Raises:
            BatchwrightError: When a run starts: the metrics can be neither served nor written.
        """
        if isinstance(event, RunStarted):
            if self._textfile is None and self.options.textfile is not None:
                self._metrics.last_run.restore(self.options.textfile)
            self._metrics.handle(event)
            self._open()
        else:
            self._metrics.handle(event)
        if isinstance(event, RunFinished):
            self._interrupted = event.state == "interrupted"
            self._settle()

    def close(self) -> None:
        """Wait for a last scrape, if that is wanted; then let go of port and thread."""
        if self._metrics.running:
            self._metrics.abandon()
            self._settle()
        textfile, self._textfile = self._textfile, None
        if textfile is not None:
            textfile.close()
        if self._endpoint is not None:
            if self.options.linger and not self._interrupted:
                self._endpoint.wait_for_scrape(self.options.linger)
            self._endpoint.close()
            self._endpoint = None

    def _open(self) -> None:
        """Begin to serve and to write; warn of what fails, and go on with the other."""
        from batchwright_prometheus.endpoint import Endpoint
        from batchwright_prometheus.textfile import Textfile

        options, failures = self.options, []
        if self._endpoint is not None:
            self._endpoint.expect_scrape(False)
        if self._endpoint is None and options.port is not None:
            try:
                self._endpoint = Endpoint(options.host, options.port, self.registry)
                logger.info("metrics at %s", self._endpoint.url)
            except BatchwrightError as error:
                failures.append(error)
        if self._textfile is None and options.textfile is not None:
            try:
                self._textfile = Textfile(options.textfile, options.interval, self.registry)
            except BatchwrightError as error:
                failures.append(error)
        if failures and self._endpoint is None and self._textfile is None:
            raise BatchwrightError("; ".join(map(str, failures)))
        for failure in failures:
            logger.warning("%s", failure)

    def _settle(self) -> None:
        """Write the final figures, and wait for a scrape."""
        if self._endpoint is not None:
            self._endpoint.expect_scrape()
        if self._textfile is not None:
            try:
                self._textfile.write()
            except BatchwrightError as error:
                logger.warning("%s", error)
