use std::time::Duration;

use aws_lc_rs::digest;
use data_encoding::HEXUPPER;
use observability::Metrics;
use problem::FieldError;
use prometheus::{IntCounterVec, Opts};
use reqwest::{Client, header::HeaderName, redirect::Policy};
use url::Url;

use super::NormalPassword;

/// How long an answer may take: nobody waits longer for a new password.
const PATIENCE: Duration = Duration::from_secs(2);

/// The largest answer that is read, bytes: ten times what there is.
const LARGEST: usize = 1 << 20;

/// How many characters of the hash are told.
const PREFIX: usize = 5;

/// Asks for as many lines whatever the prefix, so that the length of an answer tells nothing.
const PADDING: HeaderName = HeaderName::from_static("add-padding");

/// Asks a range API, as that of Have I Been Pwned, whether a password was in a breach. It is
/// told five characters of a SHA-1, which some thousand passwords of the list share, and
/// nothing else (k-anonymity).
///
/// Without an answer the password is taken: the API's outage must not be ours. That is
/// logged and counted.
#[derive(Debug)]
pub(crate) struct RangeCheck {
    asked: Option<(Client, Url)>,
    outcomes: IntCounterVec,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
enum Unanswered {
    #[error("the address cannot be asked about a range")]
    Address(#[from] url::ParseError),
    #[error(transparent)]
    Transport(#[from] reqwest::Error),
    #[error("the answer is longer than any that there is")]
    TooLong,
}

impl RangeCheck {
    /// Asks at `base`, to which a prefix is added, such as
    /// `https://api.pwnedpasswords.com/range/`; nobody without one.
    ///
    /// # Errors
    /// When the metric is there already, or there is no TLS.
    pub(crate) fn new(base: Option<Url>, metrics: &Metrics) -> Result<Self, String> {
        let help = "Passwords that were looked up in a range API, by outcome.";
        let outcomes = IntCounterVec::new(Opts::new("password_range_checks_total", help), &["outcome"])
            .map_err(|why| why.to_string())?;
        metrics.add(outcomes.clone()).map_err(|why| why.to_string())?;
        let client = || Client::builder().timeout(PATIENCE).redirect(Policy::none()).build();
        let asked = base.map(|base| client().map(|client| (client, base)));
        Ok(Self { asked: asked.transpose().map_err(|why| why.to_string())?, outcomes })
    }

    /// Refuses a password that was in a breach.
    ///
    /// # Errors
    /// The fault of the field at `pointer`.
    pub(crate) async fn accept(&self, password: &NormalPassword, pointer: &str) -> Result<(), FieldError> {
        let Some((client, base)) = &self.asked else { return Ok(()) };
        let breached = is_breached(client, base, password).await;
        let outcome = match &breached {
            Ok(true) => "breached",
            Ok(false) => "unknown",
            Err(_) => "unanswered",
        };
        self.outcomes.with_label_values(&[outcome]).inc();
        if let Err(why) = &breached {
            // Without the address, which ends in the prefix.
            tracing::warn!(%why, "a new password was taken unchecked: the range API gave no answer");
        }
        match breached {
            Ok(true) => {
                let detail = "this one was in a breach of other sites, and is among those that are tried";
                Err(FieldError::new(pointer, "password_breached", detail))
            }
            Ok(false) | Err(_) => Ok(()),
        }
    }
}

async fn is_breached(client: &Client, base: &Url, password: &NormalPassword) -> Result<bool, Unanswered> {
    let hash = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, password.bytes());
    let hash = HEXUPPER.encode(hash.as_ref());
    let (prefix, suffix) = hash.split_at(PREFIX);
    let request = client.get(base.join(prefix)?).header(PADDING, "true");
    let mut reply = request.send().await.and_then(reqwest::Response::error_for_status).map_err(nameless)?;
    let mut body = Vec::new();
    while let Some(part) = reply.chunk().await.map_err(nameless)? {
        body.extend_from_slice(&part);
        if body.len() > LARGEST {
            return Err(Unanswered::TooLong);
        }
    }
    Ok(holds(&String::from_utf8_lossy(&body), suffix))
}

fn nameless(error: reqwest::Error) -> Unanswered {
    Unanswered::Transport(error.without_url())
}

/// Whether a list of `suffix:count` lines holds this one; a count of 0 is padding.
fn holds(list: &str, suffix: &str) -> bool {
    list.lines().filter_map(|line| line.trim().split_once(':')).any(|(listed, count)| {
        listed.eq_ignore_ascii_case(suffix) && count.trim().parse::<u64>().is_ok_and(|count| count > 0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_is_no_hit() {
        let list = "0018A45C4D1DEF81644B54AB7F969B88D65:3\r\n00D4F6E8FA6EECAD2A3AA415EEC418D38EC:0\r\n";
        assert!(holds(list, "0018a45c4d1def81644b54ab7f969b88d65"));
        assert!(!holds(list, "00D4F6E8FA6EECAD2A3AA415EEC418D38EC"));
        for nonsense in ["", "<html>", ":", "0018A45C4D1DEF81644B54AB7F969B88D65", "\u{0}:1"] {
            assert!(!holds(nonsense, "0018A45C4D1DEF81644B54AB7F969B88D65"), "{nonsense}");
        }
    }
}
