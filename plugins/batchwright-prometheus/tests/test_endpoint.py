"""The endpoint, scraped over loopback and read by the official parsers."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import pytest
from batchwright import Account, BatchwrightError, RecordCounts
from batchwright.contracts import events
from batchwright.testing import ScriptedTarget, fail_bad, make_corpus
from prometheus_client import REGISTRY, parser
from prometheus_client.core import Metric
from prometheus_client.openmetrics import parser as openmetrics_parser

from batchwright_prometheus import PrometheusOptions, PrometheusReporter

STARTED = events.RunStarted("r1", "docs", "scripted://kb", "docs")
FINISHED = events.RunFinished("r1", "done", Account(RecordCounts(written=3), records_seen=3))


@pytest.fixture
def make() -> Iterator[Callable[..., PrometheusReporter]]:
    made: list[PrometheusReporter] = []

    def make(**options: object) -> PrometheusReporter:
        made.append(PrometheusReporter(PrometheusOptions.model_validate({"port": 0, **options})))
        return made[-1]

    yield make
    for reporter in made:
        reporter.close()


def scrape(url: str | None, accept: str = "text/plain") -> tuple[str, str]:
    assert url is not None
    with urlopen(Request(url, headers={"Accept": accept}), timeout=5) as answer:  # a URL of loopback
        return answer.headers["Content-Type"], answer.read().decode("utf-8")


def samples(families: list[Metric]) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {(s.name, tuple(sorted(s.labels.items()))): s.value for f in families for s in f.samples}


@pytest.mark.parametrize("kind", ["text", "openmetrics"])
def test_a_scrape_after_a_run_holds_the_account(
    kind: str, make: Callable[..., PrometheusReporter], tmp_path: Path
) -> None:
    scraped: list[tuple[str, str]] = []
    reporter = make(linger=20)
    accept = "text/plain" if kind == "text" else "application/openmetrics-text; version=1.0.0"

    def prometheus() -> None:
        text = ""
        while "batchwright_last_run_success{" not in text:
            time.sleep(0.02)
            if url := reporter.url:
                scraped.append(scrape(url, accept))
                text = scraped[-1][1]

    scraper = threading.Thread(target=prometheus)
    scraper.start()
    result = ScriptedTarget(fail_bad).run(make_corpus(tmp_path / "docs"), reporter, batch_size=5)
    scraper.join(10)
    assert not scraper.is_alive()
    content_type, text = scraped[-1]
    if kind == "text":
        assert content_type.startswith("text/plain")
        families = list(parser.text_string_to_metric_families(text))
    else:
        assert content_type.startswith("application/openmetrics-text")
        families = list(openmetrics_parser.text_string_to_metric_families(text))  # type: ignore[no-untyped-call]
    found = samples(families)
    for state, number in result.account.as_dict()["records"].items():
        assert found["batchwright_records_total", (("state", state),)] == number
    assert found["batchwright_rejects_total", (("error", "ValueError"),)] == result.account.records.rejected
    assert all(family.documentation for family in families)
    assert "hunter2" not in text


def test_the_metrics_are_there_from_the_start_to_the_close(make: Callable[..., PrometheusReporter]) -> None:
    reporter = make()
    assert reporter.url is None
    reporter.handle(STARTED)
    url = reporter.url
    assert 'batchwright_running{collection="docs"} 1.0' in scrape(url)[1]
    reporter.handle(FINISHED)
    assert 'batchwright_running{collection="docs"} 0.0' in scrape(url)[1]
    reporter.close()
    reporter.close()
    with pytest.raises(OSError, match="refused"):
        scrape(url)


def test_the_same_reporter_serves_its_next_run(make: Callable[..., PrometheusReporter]) -> None:
    reporter = make()
    for number in (1, 2):
        reporter.handle(STARTED)
        reporter.handle(FINISHED)
        assert f'records_total{{state="written"}} {number * 3}.0' in scrape(reporter.url)[1]
        reporter.close()


def test_a_port_in_use_is_named_with_what_to_do(make: Callable[..., PrometheusReporter]) -> None:
    first = make()
    first.handle(STARTED)
    port = urlsplit(first.url or "").port
    second = make(port=port)
    with pytest.raises(BatchwrightError, match=rf"127\.0\.0\.1:{port}.*in use.*another port"):
        second.handle(STARTED)
    second.close()


def test_an_address_that_is_not_this_machines_is_named_with_what_to_do(
    make: Callable[..., PrometheusReporter],
) -> None:
    reporter = make(host="192.0.2.1")  # which is kept for documentation: nobody has it
    with pytest.raises(BatchwrightError, match=r"192\.0\.2\.1:0.*address of this machine.*host in"):
        reporter.handle(STARTED)


def test_a_port_in_use_does_not_stop_the_file(
    make: Callable[..., PrometheusReporter], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        reporter = make(port=taken.getsockname()[1], textfile=tmp_path / "b.prom")
        reporter.handle(STARTED)
        reporter.handle(FINISHED)
    assert 'batchwright_last_run_success{collection="docs"} 1.0' in (tmp_path / "b.prom").read_text("utf-8")
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "in use" in caplog.text


def test_a_port_in_use_costs_a_run_nothing_but_a_warning(
    make: Callable[..., PrometheusReporter], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        reporter = make(port=taken.getsockname()[1])
        result = ScriptedTarget().run(make_corpus(tmp_path / "docs"), reporter)
    assert result.state == "done"
    assert caplog.text.count("in use") == 1


def test_closing_waits_for_one_more_scrape_and_no_longer(make: Callable[..., PrometheusReporter]) -> None:
    reporter = make(linger=30)
    reporter.handle(STARTED)
    scrape(reporter.url)  # not the final figures
    reporter.handle(FINISHED)
    url = reporter.url
    closing = threading.Thread(target=reporter.close)
    closing.start()
    time.sleep(0.2)
    assert closing.is_alive()
    with urlopen(f"{str(url)[: -len('metrics')]}favicon.ico", timeout=5):
        pass
    time.sleep(0.2)
    assert closing.is_alive()
    assert 'batchwright_last_run_success{collection="docs"} 1.0' in scrape(url)[1]
    closing.join(5)
    assert not closing.is_alive()


def test_closing_does_not_wait_if_the_final_figures_were_scraped(
    make: Callable[..., PrometheusReporter],
) -> None:
    reporter = make(linger=30)
    reporter.handle(STARTED)
    reporter.handle(FINISHED)
    scrape(reporter.url)
    began = time.monotonic()
    reporter.close()
    assert time.monotonic() - began < 5


def test_closing_gives_up_when_nobody_scrapes(make: Callable[..., PrometheusReporter]) -> None:
    reporter = make(linger=0.3)
    reporter.handle(STARTED)
    reporter.handle(FINISHED)
    began = time.monotonic()
    reporter.close()
    assert 0.3 <= time.monotonic() - began < 5


def test_a_run_that_was_stopped_does_not_linger(make: Callable[..., PrometheusReporter]) -> None:
    reporter = make(linger=30)
    reporter.handle(STARTED)
    reporter.handle(events.RunFinished("r1", "interrupted", Account(), "SIGINT"))
    began = time.monotonic()
    reporter.close()
    assert time.monotonic() - began < 5


def test_a_client_that_says_nothing_holds_nobody_up(make: Callable[..., PrometheusReporter]) -> None:
    reporter = make()
    reporter.handle(STARTED)
    parts = urlsplit(reporter.url or "")
    with socket.create_connection((parts.hostname, parts.port)):
        assert "batchwright_running" in scrape(reporter.url)[1]
        began = time.monotonic()
        reporter.close()
    assert time.monotonic() - began < 5


def test_other_methods_are_refused(make: Callable[..., PrometheusReporter]) -> None:
    reporter = make()
    reporter.handle(STARTED)
    parts = urlsplit(reporter.url or "")
    connection = HTTPConnection(str(parts.hostname), parts.port, timeout=5)
    connection.request("POST", "/metrics", b"x")
    assert connection.getresponse().status == 405
    connection.close()


def test_an_address_of_ip_version_6(make: Callable[..., PrometheusReporter]) -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("no IPv6 on this machine")
    reporter = make(host="::1")
    reporter.handle(STARTED)
    assert 'batchwright_running{collection="docs"} 1.0' in scrape(reporter.url)[1]


def test_nothing_of_the_process_wide_registry_is_used(make: Callable[..., PrometheusReporter]) -> None:
    make()
    make()  # twice the same names, which one registry refuses
    assert not [family for family in REGISTRY.collect() if family.name.startswith("batchwright")]
