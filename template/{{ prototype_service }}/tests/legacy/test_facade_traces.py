"""The trace of what passes: one server span for each recorded request, and none for the rest."""

from ..platform.collector import running_collector
from .facades import Start

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
CALLER = "00f067aa0ba902b7"


def test_a_recorded_request_has_its_span_and_the_prototype_is_below_it(
    start: Start, upstream_port: int
):
    origin = f"http://127.0.0.1:{upstream_port}"
    with running_collector() as collector:
        with start(prototype_url=origin, otlp_endpoint=collector.url) as facade:
            facade.forget()
            given = {"traceparent": f"00-{TRACE}-{CALLER}-01"}
            told = facade.http.get("/echo?apikey=secret-value", headers=given).json()
            facade.http.get("/echo", headers={"traceparent": f"00-{TRACE}-{CALLER}-00"})
            line = facade.lines()[0]
        (span,) = [span for span in collector.spans() if span.kind == "SERVER"]
    assert (span.trace_id, span.parent_id) == (TRACE, CALLER)
    assert dict(told["headers"])["traceparent"] == f"00-{TRACE}-{span.span_id}-01"
    assert (line["trace_id"], line["span_id"]) == (TRACE, span.span_id)
    assert span.attributes["url.path"] == "/echo"
    assert span.attributes["http.response.status_code"] == 200
    assert "secret-value" not in str(span)
