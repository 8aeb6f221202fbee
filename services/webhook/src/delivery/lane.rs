use contract_webhook::EndpointId;
use jobs::Lane;

/// How many messages are under way to one endpoint at once: one that hangs takes no more than these.
const WIDTH: u16 = 16;

/// How many to one that failed last, of which an organisation may have many.
const NARROW: u16 = 2;

/// What all messages to an endpoint go by.
pub(super) fn of(endpoint: EndpointId, ordered: bool, is_failing: bool) -> Lane {
    let lane = format!("endpoint/{}", endpoint.uuid());
    if ordered { Lane::ordered(lane) } else { Lane::limited(lane, if is_failing { NARROW } else { WIDTH }) }
}
