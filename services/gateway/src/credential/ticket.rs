//! The ticket with which a browser opens a WebSocket, since it cannot send a header then.

use std::borrow::Cow;

use contract_auth::Secret;
use url::form_urlencoded;

use super::{CredentialError, Proof, ProofKind};

/// Where tickets are taken, and nowhere else.
const SOCKETS: &str = "/ws/";

const NAME: &str = "ticket";
const PREFIX: &str = "plt_";
const MOST: usize = 256;

/// The ticket of a target, and the target without it: it goes no further.
///
/// # Errors
/// More than one, or one of another form.
pub(crate) fn taken_out(target: &str) -> Result<(Option<Proof>, Cow<'_, str>), CredentialError> {
    let Some((path, query)) = target.split_once('?').filter(|(path, _)| path.starts_with(SOCKETS)) else {
        return Ok((None, target.into()));
    };
    let (tickets, rest): (Vec<_>, Vec<_>) = query.split('&').partition(|pair| ticket(pair).is_some());
    let ticket = match tickets.as_slice() {
        [] => return Ok((None, target.into())),
        [pair] => ticket(pair).unwrap_or_default(),
        _ => return Err(CredentialError::Ambiguous),
    };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    if !ticket.starts_with(PREFIX) || ticket.len() > MOST || !ticket.bytes().all(plain) {
        return Err(CredentialError::Refused(ProofKind::Ticket));
    }
    let rest = if rest.is_empty() { path.to_owned() } else { format!("{path}?{}", rest.join("&")) };
    Ok((Some(Proof::new(ProofKind::Ticket, Secret::from(ticket.as_ref()))), rest.into()))
}

/// The value of a pair of a query, if it is the ticket in whatever spelling.
fn ticket(pair: &str) -> Option<Cow<'_, str>> {
    form_urlencoded::parse(pair.as_bytes()).find(|(name, _)| name == NAME).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use problem::Describe;

    fn taken(target: &str) -> Result<(Option<String>, String), &'static str> {
        let taken = taken_out(target).map_err(|why| why.code())?;
        Ok((taken.0.map(|proof| proof.text.expose().to_owned()), taken.1.into_owned()))
    }

    #[test]
    fn a_ticket_goes_no_further() {
        let ticket = || Some("plt_a-B_9".to_owned());
        for (target, rest) in [
            ("/ws/x?ticket=plt_a-B_9", "/ws/x"),
            ("/ws/x?a=1&ticket=plt_a-B_9&b=%20", "/ws/x?a=1&b=%20"),
            ("/ws/x?t%69cket=%70lt_a-B_9&a", "/ws/x?a"),
        ] {
            assert_eq!(taken(target), Ok((ticket(), rest.to_owned())), "{target}");
        }
    }

    #[test]
    fn elsewhere_it_is_nothing_and_one_alone_is_taken() {
        for target in ["/api/v1/prefs?ticket=plt_x", "/ws?ticket=plt_x", "/ws/x", "/ws/x?tickets=1&a=ticket"]
        {
            assert_eq!(taken(target), Ok((None, target.to_owned())), "{target}");
        }
        assert_eq!(taken("/ws/x?ticket=plt_x&ticket=plt_y"), Err("credential_ambiguous"));
        let long = format!("/ws/x?ticket=plt_{}", "x".repeat(MOST));
        for target in ["/ws/x?ticket=", "/ws/x?ticket", "/ws/x?ticket=plk_x", "/ws/x?ticket=plt_%00", &long] {
            assert_eq!(taken(target), Err("ws_ticket_invalid"), "{target}");
        }
    }
}
