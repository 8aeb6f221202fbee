//! W3C trace context: one trace across every hop.

use opentelemetry::{
    Context,
    propagation::{Extractor, Injector, TextMapPropagator},
    trace::TraceContextExt,
};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;
use uuid::Uuid;

const HEADER: &str = "traceparent";

/// Makes `span` a part of the caller's trace, or the start of a new one, and gives
/// the `traceparent` for the calls that are made inside it.
#[must_use]
pub fn enter(span: &Span, traceparent: Option<&str>) -> String {
    let propagator = TraceContextPropagator::new();
    let caller = propagator.extract_with_context(&Context::new(), &Given(traceparent));
    let known = traceparent.filter(|_| caller.span().span_context().is_valid());
    // Tolerated: without a collector no layer takes the parent.
    let _ = span.set_parent(caller);
    let mut own = Own(None);
    propagator.inject_context(&span.context(), &mut own);
    own.0.or_else(|| known.map(str::to_owned)).unwrap_or_else(unsampled)
}

/// The one header that is read.
struct Given<'a>(Option<&'a str>);

impl Extractor for Given<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.filter(|_| key == HEADER)
    }

    fn keys(&self) -> Vec<&str> {
        vec![HEADER]
    }
}

/// The one header that is written.
struct Own(Option<String>);

impl Injector for Own {
    fn set(&mut self, key: &str, value: String) {
        if key == HEADER {
            self.0 = Some(value);
        }
    }
}

/// A trace of which nothing is recorded here, though others may.
fn unsampled() -> String {
    let [trace, span] = [Uuid::new_v4().simple().to_string(), Uuid::new_v4().simple().to_string()];
    format!("00-{trace}-{}-00", &span[..16])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callers_trace_goes_on() {
        let caller = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert_eq!(enter(&Span::none(), Some(caller)), caller);
    }

    #[test]
    fn nonsense_starts_a_new_trace() {
        let all_zero = format!("00-{}-{}-00", "0".repeat(32), "0".repeat(16));
        for nonsense in [None, Some(""), Some("00-zz-1-01"), Some(all_zero.as_str())] {
            let own = enter(&Span::none(), nonsense);
            let parts: Vec<usize> = own.split('-').map(str::len).collect();
            assert_eq!(parts, [2, 32, 16, 2], "{own}");
            assert_ne!(Some(own.as_str()), nonsense);
        }
    }
}
