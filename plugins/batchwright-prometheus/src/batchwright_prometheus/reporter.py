"""The reporter: events in, metrics out."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from batchwright import BatchwrightError, Reporter
from batchwright.contracts.events import Event, RunFinished, RunNotStarted, RunStarted

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
        begins = isinstance(event, RunStarted | RunNotStarted)
        if begins and self._textfile is None and self.options.textfile is not None:
            from batchwright_prometheus.kept import samples_in

            self._metrics.remember(samples_in(self.options.textfile))
        self._metrics.handle(event)
        if begins:
            # nobody could scrape an endpoint that is closed at once; and a run that goes on may have the port
            self._open(serve=isinstance(event, RunStarted) or self.options.linger > 0)
        if isinstance(event, RunFinished | RunNotStarted):
            self._interrupted = _is_stopped(event)
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

    def _open(self, *, serve: bool) -> None:
        """Begin to serve and to write; warn of what fails, and go on with the other."""
        from batchwright_prometheus.endpoint import Endpoint
        from batchwright_prometheus.registry import Part, outlives_runs
        from batchwright_prometheus.textfile import Textfile

        options, failures = self.options, []
        if self._endpoint is not None:
            self._endpoint.expect_scrape(False)
        served = filed = self.registry
        if options.port is not None and options.textfile is not None:  # nothing in both, to be added up
            served = Part(self.registry, lambda metric: not outlives_runs(metric))
            filed = Part(self.registry, outlives_runs)
        if self._endpoint is None and options.port is not None and serve:
            try:
                self._endpoint = Endpoint(options.host, options.port, served)
                logger.info("metrics at %s", self._endpoint.url)
            except BatchwrightError as error:
                failures.append(error)
        if self._textfile is None and options.textfile is not None:
            try:
                self._textfile = Textfile(options.textfile, options.interval, filed)
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


def _is_stopped(event: RunFinished | RunNotStarted) -> bool:
    """Tell whether somebody wants the process to end soon: exit codes above 128 tell of a signal."""
    return event.exit_code > 128 if isinstance(event, RunNotStarted) else event.state == "interrupted"
